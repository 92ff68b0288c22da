// The connection of a socket: its transport is made, listened to and closed here, when the core says so.

import { callEach } from "./callbacks.js";
import { TRANSPORT_CLOSED, TRANSPORT_ERRORED, TRANSPORT_OPENED } from "./core.js";

const AUTH_TOKEN_PREFIX = "base64url.bearer.phx.";

export class Connection {
  // What the core calls the one that was made last.
  id = 0;
  url;
  // The code and reason of the close that is asked for.
  closeWith = [];
  #socket;
  // What to call when one has closed: `[id, callback]`.
  #waiting = [];

  constructor(socket) {
    this.#socket = socket;
  }

  // Makes another transport. It calls `report` with what has happened, as the core calls that, and its own event.
  open(id, report, receive) {
    const socket = this.#socket;
    this.id = id;
    socket.conn = null;
    const protocols = socket.authToken && [
      "phoenix",
      `${AUTH_TOKEN_PREFIX}${btoa(socket.authToken()).replace(/=/g, "")}`,
    ];
    this.url = socket.endPointURL();
    const conn = new socket.transport(this.url, protocols);
    socket.conn = conn;
    conn.binaryType = socket.binaryType;
    conn.timeout = socket.longpollerTimeout;
    const on = (what) => (event) => report(what, event, id, conn.skipHeartbeat);
    conn.onopen = on(TRANSPORT_OPENED);
    conn.onerror = on(TRANSPORT_ERRORED);
    conn.onclose = on(TRANSPORT_CLOSED);
    conn.onmessage = ({ data }) => receive(id, data);
  }

  close(forWantOfHeartbeat) {
    const { conn } = this.#socket;
    const [code, reason] = forWantOfHeartbeat ? [1000, "heartbeat timeout"] : this.closeWith;
    this.closeWith = [];
    if (code) conn?.close(code, reason);
    else conn?.close();
  }

  whenClosed(id, callback) {
    this.#waiting.push([id, callback]);
  }

  // This one has been closed.
  closed(id) {
    const done = this.#waiting.filter(([closing]) => closing === id);
    this.#waiting = this.#waiting.filter(([closing]) => closing !== id);
    if (id === this.id) this.#socket.conn = null;
    callEach(done, ([, callback]) => callback());
  }
}
