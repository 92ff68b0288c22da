// Our Presence on npm phoenix's own Channel, beside npm phoenix's Presence on another: the same frames
// must give the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Socket } from "phoenix";
import { Ours, Theirs, steps, text, watch } from "../support/presence.js";

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

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function joined(Presence, log) {
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
  const presence = watch(new Presence(channel), log);
  channel.join();
  await settled();
  return { socket, channel, presence, log, transport };
}

async function take(side, { event, text }) {
  const { channel, transport } = side;
  if (event === "presence_state") transport.pushText(transport.joinRef, event, text);
  else if (event === "presence_diff") transport.pushText(null, event, text);
  else {
    transport.pushText(transport.joinRef, "phx_error", "{}");
    // What the channel's timer would do a second later.
    channel.rejoinTimer.reset();
    channel.rejoin();
    await settled();
  }
}

test("on phoenix.js's channel, through rejoins, a presence does what phoenix.js's does", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const [ours, theirs] = [await joined(Ours, []), await joined(Theirs, [])];
      for (const { step, look } of steps) {
        await take(ours, step);
        await take(theirs, step);
        assert.deepEqual(ours.log, theirs.log);
        if (look) assert.equal(text(ours.presence.state), text(theirs.presence.state));
      }
      assert.equal(text(ours.presence.list()), text(theirs.presence.list()));
      assert.equal(ours.presence.joinRef, theirs.presence.joinRef);
      ours.socket.disconnect();
      theirs.socket.disconnect();
    }),
    { numRuns: 200 },
  );
});
