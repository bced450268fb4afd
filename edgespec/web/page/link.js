// The connection to the observer's server: it is there while somebody looks, and comes back by itself.

const FIRST_S = 1, MOST_S = 15;

export class Link {
  /** `on` has `text(object)`, `rows(buffer)` and `said(state, words)`; a state is connecting, open or lost. */
  constructor(on) {
    Object.assign(this, { on, band: null, socket: null, timer: 0, waitS: FIRST_S });
  }

  /** Listen to a band, or to everything that there is (null), instead of what was before. */
  open(band) {
    this.close();
    this.band = band;
    this.on.said("connecting", "Connecting ...");
    const where = new URL(band === null ? "/api/live" : `/api/live?band=${encodeURIComponent(band)}`, location.href);
    where.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(where);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => { this.waitS = FIRST_S; this.on.said("open", ""); };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.on.text(JSON.parse(data)) : this.on.rows(data));
    socket.onclose = ({ reason }) => this.#lost(reason);
  }

  #lost(reason) {
    this.socket = null;
    const wait = this.waitS;
    this.waitS = Math.min(2 * wait, MOST_S);
    this.on.said("lost", `The connection to the server is lost${reason ? ` (${reason})` : ""}. The next try is in ${wait} s; what is drawn is old.`);
    this.timer = setTimeout(() => this.open(this.band), wait * 1e3);
  }

  /** Listen no more. */
  close() {
    clearTimeout(this.timer);
    if (!this.socket) return;
    Object.assign(this.socket, { onopen: null, onmessage: null, onclose: null });
    this.socket.close();
    this.socket = null;
  }
}

/** Return plane, rows and time of a binary message. */
export function parseRows(buffer) {
  const view = new DataView(buffer), nRows = view.getUint16(2, true), nBins = view.getUint32(4, true);
  return { id: view.getUint8(0), nRows, nBins, utc: view.getFloat64(8, true), rows: new Uint8Array(buffer, 16, nRows * nBins) };
}
