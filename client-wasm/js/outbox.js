// What a socket sends: the core says when, and here is what.

import {
  OUT_SEND_HEARTBEAT,
  OUT_SEND_JOIN,
  OUT_SEND_LEAVE,
  OUT_SEND_OTHER,
  OUT_SEND_PUSH,
} from "./core.js";

export class Outbox {
  #socket;
  // The pushes that are not settled, by what the core calls them.
  #pushes = new Map();
  // Messages of no channel that have not been sent.
  #others = [];

  constructor(socket) {
    this.#socket = socket;
  }

  add(id, push) {
    this.#pushes.set(id, push);
  }

  addOther(message) {
    this.#others.push(message);
  }

  // The push, which is settled.
  take(id) {
    const push = this.#pushes.get(id);
    this.#pushes.delete(id);
    return push;
  }

  // `id` is that of a push, `channel` that whose join or leave this is.
  send(output, ref, join_ref, id, channel) {
    switch (output) {
      case OUT_SEND_JOIN: {
        const { topic, joinPush } = channel;
        joinPush._sent(ref);
        return this.#write(join_ref, ref, topic, "phx_join", joinPush.payload());
      }
      case OUT_SEND_LEAVE:
        return this.#write(join_ref, ref, channel.topic, "phx_leave", {});
      case OUT_SEND_HEARTBEAT:
        return this.#write(join_ref, ref, "phoenix", "heartbeat", {});
      case OUT_SEND_PUSH: {
        const push = this.#pushes.get(id);
        push._sent(ref);
        return this.#write(join_ref, ref, push.channel.topic, push.event, push.payload());
      }
      case OUT_SEND_OTHER: {
        const { join_ref, ref, topic, event, payload } = this.#others.shift();
        return this.#write(join_ref, ref, topic, event, payload);
      }
    }
  }

  // An encoder may hand the frame over later: it goes to the connection that it was made for.
  #write(join_ref, ref, topic, event, payload) {
    const socket = this.#socket;
    socket.log("push", `${topic} ${event} (${join_ref}, ${ref})`, payload);
    const { conn } = socket;
    socket.encode({ join_ref, ref, topic, event, payload }, (frame) => conn.send(frame));
  }
}
