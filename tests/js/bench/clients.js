// What is measured, and beside what. All are given the text of frames, call back for every join and leave,
// and render a list.

import { BaselinePresence } from "./baseline.js";
import { TOPIC } from "./data.js";

/** What makes a client of each kind; `herenow` and `phoenix` are the two packages. */
export function clients({ herenow, phoenix }) {
  return {
    phoenix: () => connected(phoenix.Socket, phoenix.Presence),
    baseline: async () => {
      const presence = new BaselinePresence();
      return new Client(presence, (text) => presence.receive(text));
    },
    herenow: () => connected(herenow.Socket, herenow.Presence),
    on_phoenix_channel: () => connected(phoenix.Socket, herenow.Presence),
  };
}

// A page with a presence, as an application has it. `receive` is given the text of a frame.
class Client {
  joined = 0;
  left = 0;
  synced = 0;

  constructor(presence, receive, close = () => {}) {
    this.presence = presence;
    this.receive = receive;
    this.close = close;
    presence.onJoin((_key, _current, { metas }) => {
      this.joined += metas.length;
    });
    presence.onLeave((_key, _current, { metas }) => {
      this.left += metas.length;
    });
    presence.onSync(() => {
      this.synced += 1;
    });
  }

  render() {
    return this.presence.list((key, { metas: [first] }) => `${key}: ${first.name}`);
  }
}

// The server's end of a connection: accepts the join, and then sends what it is made to send.
class Transport {
  readyState = 0;

  constructor() {
    queueMicrotask(() => {
      this.readyState = 1;
      this.onopen({});
    });
  }

  send(frame) {
    const [joinRef, ref, topic] = JSON.parse(frame);
    const reply = JSON.stringify([joinRef, ref, topic, "phx_reply", { status: "ok", response: {} }]);
    queueMicrotask(() => this.onmessage?.({ data: reply }));
  }

  close() {
    this.readyState = 3;
    this.onclose?.({ code: 1000, wasClean: true });
  }
}

async function connected(Socket, Presence) {
  let transport;
  const socket = new Socket("ws://nowhere", {
    transport: class extends Transport {
      constructor() {
        super();
        transport = this;
      }
    },
  });
  socket.connect();
  const channel = socket.channel(TOPIC);
  const presence = new Presence(channel);
  await new Promise((resolve) => channel.join().receive("ok", resolve));
  const client = new Client(presence, (data) => transport.onmessage({ data }));
  client.close = () => {
    presence.destroy?.();
    socket.disconnect();
  };
  return client;
}
