// The colour map: viridis of matplotlib (CC0), which is even to the eye and safe for colour-blind people.

const ANCHORS = ["440154", "482878", "3e4989", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725"];

/** 256 colours as RGBA bytes, dark to bright. */
export const RAMP = new Uint8Array(256 * 4);
for (let i = 0; i < 256; i += 1) {
  const at = (i / 255) * (ANCHORS.length - 1), left = Math.min(Math.floor(at), ANCHORS.length - 2);
  for (let part = 0; part < 3; part += 1) {
    const [a, b] = [ANCHORS[left], ANCHORS[left + 1]].map((one) => parseInt(one.slice(2 * part, 2 * part + 2), 16));
    RAMP[4 * i + part] = Math.round(a + (b - a) * (at - left));
  }
  RAMP[4 * i + 3] = 255;
}

/** What was not heard: no colour of the map. */
export const UNHEARD = [0x1d, 0x20, 0x28];

/** Draw the map from left to right. */
export function drawRamp(canvas) {
  Object.assign(canvas, { width: 256, height: 1 });
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(RAMP), 256, 1), 0, 0);
}
