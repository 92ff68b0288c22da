// The change to long polling when WebSockets do not get through. Each connection has a time in which it
// must open and answer a ping; one that fails before it has opened, or is too late, is replaced, and from
// then on the socket polls. The next page of the same tab polls from the start if no WebSocket ever worked.

import { LongPoll } from "./longpoll.js";

const MEMORY = "phx:fallback:LongPoll";

export class Fallback {
  #socket;
  #within;
  #storage;
  #timer;
  // Whether the connection has opened.
  #opened = false;
  // Whether any has answered.
  #passed = false;

  // `within` is in ms.
  constructor(socket, within, storage) {
    this.#socket = socket;
    this.#within = within;
    this.#storage = storage;
  }

  // A connection is about to be made.
  connecting() {
    this.cancel();
    if (this.#isDone) return;
    if (this.#remembers()) {
      this.#log("memorized");
      this.#socket.transport = LongPoll;
      return;
    }
    this.#opened = false;
    this.#await();
  }

  // It is open.
  opened() {
    if (this.#isDone) {
      if (!this.#passed) this.#remember();
      return;
    }
    this.#opened = true;
    this.#await();
    this.#socket.ping(() => {
      this.#passed = true;
      this.cancel();
    });
  }

  // It has failed. Once it is open, it is connected again over the same transport.
  failed(error) {
    if (this.#timer !== undefined && !this.#opened) this.#fallBack(error);
  }

  // The application has other plans for the connection.
  cancel() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  get #isDone() {
    return this.#socket.transport === LongPoll;
  }

  #await() {
    this.cancel();
    this.#timer = setTimeout(() => this.#fallBack("timeout"), this.#within);
  }

  #fallBack(reason) {
    this.#log(reason);
    this.#socket.replaceTransport(LongPoll);
    this.#socket.connect();
  }

  #log(reason) {
    this.#socket.log("transport", "falling back to LongPoll...", reason);
  }

  // Storage can be forbidden or full, or not there at all. Then the next page has to find out by itself.
  #remembers() {
    try {
      return Boolean(this.#store?.getItem(MEMORY));
    } catch {
      return false;
    }
  }

  #remember() {
    try {
      this.#store?.setItem(MEMORY, "true");
    } catch {}
  }

  get #store() {
    return this.#storage ?? globalThis.sessionStorage;
  }
}
