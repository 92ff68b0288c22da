// The state machine of a socket, which is in wasm. All numbers are those of src/socket.rs, where what goes with
// each is described.

import { wasm } from "./wasm.js";

// What can be asked of it or told to it.
export const POLL = 0;
export const POLL_TIMEOUT = 1;
export const TIMEOUT = 2;
export const SET_DELAY = 3;
export const NEXT_REF = 4;
export const CONNECT = 5;
export const DISCONNECT = 6;
export const PING = 7;
export const SEND = 8;
export const TRANSPORT_OPENED = 9;
export const TRANSPORT_ERRORED = 10;
export const TRANSPORT_CLOSING = 11;
export const TRANSPORT_CLOSED = 12;
export const TRANSPORT_REFUSED = 13;
export const PAGE_HIDDEN = 14;
export const PAGE_VISIBLE = 15;
export const PAGE_SHOWN = 16;
export const PAGE_LEFT = 17;
export const PAGE_RETURNED = 18;
export const CHANNEL = 19;
export const JOIN = 20;
export const LEAVE = 21;
export const REMOVE = 22;
export const STATE = 23;
export const JOIN_REF = 24;
export const PUSH = 25;

// What comes out of it.
export const OUT_CONNECT = 0;
export const OUT_CLOSE = 1;
export const OUT_ASK_DELAY = 2;
export const OUT_SEND_JOIN = 3;
export const OUT_SEND_LEAVE = 4;
export const OUT_SEND_HEARTBEAT = 5;
export const OUT_SEND_PUSH = 6;
export const OUT_SEND_OTHER = 7;
export const OUT_OPENED = 8;
export const OUT_FAILED = 9;
export const OUT_CLOSED = 10;
export const OUT_DISCONNECTED = 11;
export const OUT_PONG = 12;
export const OUT_PUSH_SETTLED = 13;
export const OUT_JOIN_SETTLED = 14;
export const OUT_MESSAGE = 15;
export const OUT_UNCLAIMED_REPLY = 16;
export const OUT_ERRORED = 17;
export const OUT_ENDED = 18;

// What an output is: its number, and up to three more.
const OUT_NUMBERS = 4;

const EVENTS = ["phx_error", "phx_close"];
const STATUSES = ["ok", "error"];

const registry =
  globalThis.FinalizationRegistry && new FinalizationRegistry((id) => wasm.socket_free(id));

export class Core {
  #id;
  #now;
  #out = [];
  // Another object whenever it is told something that may change what it answers. Broadcasts do not.
  epoch = {};

  // `now` is the clock that it goes by.
  constructor(timeout, heartbeatInterval, now) {
    if (wasm === null) {
      throw new Error("herenow: the wasm is not there yet: await init() of herenow/slim first");
    }
    this.#id = wasm.socket_new(timeout, heartbeatInterval);
    this.#now = now;
    registry?.register(this, this.#id);
  }

  call(what, a, b) {
    this.epoch = {};
    return wasm.socket_call(this.#id, what, a, b, this.#now());
  }

  // Calls what needs no clock, which takes longer to read than most of this does.
  ask(what, a = 0) {
    return wasm.socket_call(this.#id, what, a, 0, 0);
  }

  // The next output, until there is another; 0 if there is none.
  poll() {
    const at = this.ask(POLL);
    if (at === 0) return 0;
    // A view has no length any more when the memory has grown.
    if (this.#out.length === 0 || this.#out.byteOffset !== at) {
      this.#out = new Float64Array(wasm.memory.buffer, at, OUT_NUMBERS);
    }
    return this.#out;
  }

  // Tells of a message, and returns what became of it: see socket.js. For one that ends and begins no wait, such as a
  // broadcast, the clock need not be read.
  received(connection, topic, message) {
    const { joinRef, ref, event } = message;
    const kind =
      event === "phx_reply"
        ? 4 + STATUSES.indexOf(message.payload?.status)
        : 1 + EVENTS.indexOf(event);
    const reference = number(ref);
    let now = 0;
    if (kind !== 0 || reference !== 0) {
      this.epoch = {};
      now = this.#now();
    }
    return wasm.socket_received(this.#id, connection, topic, number(joinRef), reference, kind, now);
  }
}

// A ref that may be one of ours is a string of digits; others, -1, are foreign. 0: there is none.
const number = (ref) => {
  if (!ref) return 0;
  return typeof ref === "string" && /^[1-9]\d*$/.test(ref) ? Number(ref) : -1;
};

// As it is on the wire.
export const refText = (ref) => (ref ? String(ref) : null);
