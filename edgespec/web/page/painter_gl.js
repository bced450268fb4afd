// Paints lines with WebGL: they are a ring in a texture, and the shader turns values into colours.
import { RAMP, UNHEARD } from "/static/colours.js";

const CORNERS = `#version 300 es
void main() { gl_Position = vec4(vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0, 0.0, 1.0); }`;
const COLOUR = `#version 300 es
precision highp float;
precision highp int;
uniform highp usampler2D lines;
uniform highp sampler2D ramp;
uniform ivec2 size;
uniform int newest;
uniform vec2 range;
uniform vec3 unheard;
out vec4 colour;
void main() {
  int back = size.y - 1 - int(gl_FragCoord.y);
  int line = (newest - back + size.y) % size.y;
  float value = float(texelFetch(lines, ivec2(int(gl_FragCoord.x), line), 0).r);
  int shade = int(clamp((value - range.x) / range.y, 0.0, 1.0) * 255.0 + 0.5);
  colour = value == 0.0 ? vec4(unheard, 1.0) : texelFetch(ramp, ivec2(shade, 0), 0);
}`;

function isSoftware(gl) {
  const told = gl.getExtension("WEBGL_debug_renderer_info");
  return /swiftshader|llvmpipe|software/i.test(gl.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}

function shader(gl, kind, text) {
  const made = gl.createShader(kind);
  gl.shaderSource(made, text);
  gl.compileShader(made);
  if (!gl.getShaderParameter(made, gl.COMPILE_STATUS) && !gl.isContextLost()) throw new Error(gl.getShaderInfoLog(made));
  return made;
}

function texture(gl, unit, format, width, height, layout, kind, bytes) {
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  gl.texImage2D(gl.TEXTURE_2D, 0, format, width, height, 0, layout, kind, bytes);
}

export class PainterGl {
  /**
   * Throws where there is no WebGL 2, or a canvas larger than it can.
   * Done in software it costs more than painting without it: then there is none, but if it `isFineSlow`.
   */
  constructor(canvas, lines, isFineSlow = false) {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false, depth: false });
    if (!gl) throw new Error("no WebGL 2");
    if (!isFineSlow && isSoftware(gl)) throw new Error("WebGL is done in software");
    const width = lines.ring.nBins, height = lines.n;
    if (Math.max(width, height) > gl.getParameter(gl.MAX_TEXTURE_SIZE)) throw new Error("too large for WebGL");
    Object.assign(canvas, { width, height });
    Object.assign(this, { gl, lines });
    const program = gl.createProgram();
    gl.attachShader(program, shader(gl, gl.VERTEX_SHADER, CORNERS));
    gl.attachShader(program, shader(gl, gl.FRAGMENT_SHADER, COLOUR));
    gl.linkProgram(program);
    gl.useProgram(program);
    gl.viewport(0, 0, width, height);
    this.at = (name) => gl.getUniformLocation(program, name);
    gl.uniform1i(this.at("ramp"), 1);
    gl.uniform2i(this.at("size"), width, height);
    gl.uniform3f(this.at("unheard"), ...UNHEARD.map((part) => part / 255));
    this.range = this.at("range");
    this.newest = this.at("newest");
    texture(gl, 1, gl.RGBA8, 256, 1, gl.RGBA, gl.UNSIGNED_BYTE, RAMP);
    texture(gl, 0, gl.R8UI, width, height, gl.RED_INTEGER, gl.UNSIGNED_BYTE, lines.bytes);
  }

  /** Draw, with the lines from `changed` on anew, values from `low` over a span of `span`. */
  paint(changed, low, span) {
    const { gl, lines } = this, width = lines.ring.nBins, last = lines.line;
    for (let line = Math.max(changed, last - lines.n + 1, 0); line <= last; line += 1) {
      const at = line % lines.n;
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, at, width, 1, gl.RED_INTEGER, gl.UNSIGNED_BYTE, lines.bytes, at * width);
    }
    gl.uniform1i(this.newest, last % lines.n);
    gl.uniform2f(this.range, low, span);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** Let the graphics card go. */
  close() { this.gl.getExtension("WEBGL_lose_context")?.loseContext(); }
}
