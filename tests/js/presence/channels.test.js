// Our Presence on npm phoenix's own Channel and on ours, beside npm phoenix's Presence: the same frames must
// give the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Socket as TheirSocket } from "phoenix";
import { Ours, Theirs, steps, text, watch } from "../support/presence.js";
import { PACKAGE } from "../support/server.js";

const { Socket: OurSocket } = await import(`${PACKAGE}/index.js`);

const TOPIC = "room:1";

// A server's end of a connection, which accepts every join. It opens in a microtask, as a transport must.
class Transport {
  readyState = 0;
  joinRef = null;

  constructor() {
    queueMicrotask(() => {
      this.readyState = 1;
      this.onopen();
    });
  }

  send(frame) {
    const [joinRef, ref, topic, event] = JSON.parse(frame);
    if (event === "phx_join") this.joinRef = joinRef;
    const reply = { status: "ok", response: {} };
    queueMicrotask(() => this.push([joinRef, ref, topic, "phx_reply", reply]));
  }

  push(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  // A frame whose payload is this text.
  pushText(joinRef, event, payload) {
    const head = [joinRef, null, TOPIC, event].map((part) => JSON.stringify(part));
    this.onmessage({ data: `[${head.join(",")},${payload}]` });
  }

  close() {
    this.readyState = 3;
    this.onclose({ code: 1000, wasClean: true });
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

async function joined(Socket, Presence) {
  let transport;
  const socket = new Socket("ws://nowhere", {
    rejoinAfterMs: () => 0,
    transport: class extends Transport {
      constructor() {
        super();
        transport = this;
      }
    },
  });
  socket.connect();
  const channel = socket.channel(TOPIC);
  const log = [];
  const presence = watch(new Presence(channel), log);
  channel.join();
  await settled();
  return { socket, channel, presence, log, transport };
}

async function take({ transport }, { event, text }) {
  if (event === "presence_state") transport.pushText(transport.joinRef, event, text);
  else if (event === "presence_diff") transport.pushText(null, event, text);
  else {
    transport.pushText(transport.joinRef, "phx_error", "{}");
    await settled();
  }
}

for (const [name, Socket] of [["phoenix.js's", TheirSocket], ["herenow's", OurSocket]]) {
  test(`on ${name} channel, through rejoins, a presence does what phoenix.js's does`, async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const [ours, theirs] = await Promise.all([
          joined(Socket, Ours),
          joined(TheirSocket, Theirs),
        ]);
        for (const { step, look } of steps) {
          await Promise.all([take(ours, step), take(theirs, step)]);
          assert.deepEqual(ours.log, theirs.log);
          assert.equal(ours.presence.joinRef, theirs.presence.joinRef);
          if (look) assert.equal(text(ours.presence.state), text(theirs.presence.state));
        }
        assert.equal(text(ours.presence.list()), text(theirs.presence.list()));
        ours.socket.disconnect();
        theirs.socket.disconnect();
      }),
      { numRuns: 150 },
    );
  });
}
