// The connection to the observer's server: it is there while somebody looks, and comes back by itself.

import { get } from "/static/api.js";

const FIRST_S = 1, MOST_S = 15;

/** Why a connection was refused, which a browser does not say: the same question without one does; null where that says nothing. */
const refusal = (path) => get(path).then(() => null, (error) => ([0, 426].includes(error.status) ? null : error));

export class Link {
  /**
   * `on` has `text(object)`, `rows(buffer)` and `said(state, words)`; a state is connecting, open or lost. `unknown()` is
   * called where the server asks for a token, `changed()` where it does not know what is asked for.
   */
  constructor(on) {
    Object.assign(this, { on, band: null, socket: null, timer: 0, waitS: FIRST_S, turn: 0 });
  }

  /** Listen to a band, or to everything that there is (null), instead of what was before. */
  open(band) {
    this.close();
    this.band = band;
    this.on.said("connecting", "Connecting ...");
    const path = band === null ? "/api/live" : `/api/live?band=${encodeURIComponent(band)}`, where = new URL(path, location.href);
    where.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(where);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    let wasOpen = false;
    socket.onopen = () => { wasOpen = true; this.waitS = FIRST_S; this.on.said("open", ""); };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.on.text(JSON.parse(data)) : this.on.rows(data));
    socket.onclose = ({ reason }) => this.#lost(reason, wasOpen ? null : path);
  }

  async #lost(reason, path) {
    this.socket = null;
    const turn = this.turn, wait = this.waitS, refused = path === null ? null : await refusal(path);
    // Meanwhile it may have been opened anew, or closed.
    if (turn !== this.turn) return;
    this.waitS = Math.min(2 * wait, MOST_S);
    const words = refused ? `The server refuses the connection: ${refused.message}` : `The connection to the server is lost${reason ? ` (${reason})` : ""}`;
    this.on.said("lost", `${words}. The next try is in ${wait} s; what is drawn is old.`);
    if (refused?.status === 401) this.on.unknown();
    else this.timer = setTimeout(() => (refused?.status === 400 ? this.on.changed() : this.open(this.band)), wait * 1e3);
  }

  /** Listen no more. */
  close() {
    this.turn += 1;
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
