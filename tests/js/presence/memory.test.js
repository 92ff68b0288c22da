// Memory comes back, that of wasm and that of objects: when a session is over, when it is given up, and while it goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { Presence, Socket } from "../support/package.js";
import { transports } from "../support/transport.js";
import { PACKAGE } from "../support/server.js";

const { wasm } = await import(`${PACKAGE}/client.js`);

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

// What is not given back is far more than this.
const SLACK = 2 ** 20;

// The same numbers for the same seed (mulberry32).
function random(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

// What is held, in bytes, once all garbage has gone, which takes a few steps.
async function held() {
  for (let i = 0; i < 5; i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return wasm.memory.buffer.byteLength + process.memoryUsage().heapUsed;
}

const metas = (pick) => ({ metas: [{ phx_ref: String(pick(1_000)), text: "x".repeat(300 + pick(200)) }] });
const members = (pick, count) =>
  Object.fromEntries(Array.from({ length: count }, () => [`user ${pick(3_000)}`, metas(pick)]));

// A socket that is connected, as `{ socket, join }`; `join` joins a channel of so many presences.
function connected() {
  const Transport = transports();
  const socket = new Socket("ws://host/socket", { transport: Transport });
  socket.connect();
  Transport.last.opened();
  const join = (topic, count) => {
    const channel = socket.channel(topic);
    const presences = Array.from({ length: count }, () => new Presence(channel));
    channel.join();
    const ref = channel.joinRef();
    Transport.last.receive([ref, ref, topic, "phx_reply", { status: "ok", response: {} }]);
    const receive = (event, payload) => Transport.last.receive([null, null, topic, event, payload]);
    return { channel, presences, receive };
  };
  const end = () => {
    socket.disconnect();
    Transport.last.closed();
  };
  return { socket, join, end };
}

// States of all sizes and diffs between them, as of a connection that is lost now and then.
function live({ channel, receive }, pick, steps) {
  for (let step = 0; step < steps; step++) {
    if (pick(3) === 0) receive("presence_state", members(pick, pick(10) * 200));
    else receive("presence_diff", { joins: members(pick, pick(20)), leaves: members(pick, pick(20)) });
    // Who gets no answer waits for it no longer than that.
    channel.push("noise", { text: "x".repeat(pick(1_000)) }, 1);
  }
}

test("when all is over, all memory serves the next", async () => {
  const pick = random(1);
  const session = () => {
    const { join, end } = connected();
    for (let i = 0; i < 1 + pick(3); i++) {
      const room = join(`room:${i}`, 1 + pick(3));
      live(room, pick, 6);
      for (const presence of room.presences) presence.destroy();
      room.channel.leave();
    }
    end();
  };
  for (let i = 0; i < 15; i++) session();
  const base = await held();
  for (let i = 0; i < 60; i++) session();
  const after = await held();
  assert.ok(after - base < SLACK, `${after} after ${base}`);
});

test("a presence that is destroyed holds nobody, also if it is kept", async () => {
  const { join, end } = connected();
  const room = join("room:1", 20);
  const base = await held();
  room.receive("presence_state", members(random(4), 3_000));
  assert.ok((await held()) - base > SLACK);
  for (const presence of room.presences) presence.destroy();
  const after = await held();
  assert.ok(after - base < SLACK, `${after} after ${base}`);
  end();
});

test("a long session does not need more and more", async () => {
  const pick = random(2);
  const { socket, join, end } = connected();
  const room = join("room:1", 1);
  // As many in the end as before.
  const settle = () => room.receive("presence_state", members(random(5), 200));
  live(room, pick, 100);
  settle();
  const base = await held();
  live(room, pick, 150);
  // Members who come and go, and no state for a long time.
  for (let i = 0; i < 5_000; i++) {
    const [coming, going] = [i, i - 1].map((i) => ({ [`guest ${i}`]: metas(random(i)) }));
    room.receive("presence_diff", { joins: coming, leaves: going });
  }
  live(room, pick, 100);
  settle();
  const after = await held();
  assert.ok(after - base < SLACK, `${after} after ${base}`);
  assert.equal(socket.channels.length, 1);
  end();
});

test("a presence that was given up without destroy goes with its channel", async () => {
  const { join, end } = connected();
  const giveUp = (i) => {
    const room = join(`room:${i}`, 1);
    live(room, random(3), 3);
    room.channel.leave();
  };
  for (let i = 0; i < 10; i++) giveUp(i);
  const base = await held();
  for (let i = 0; i < 60; i++) giveUp(i);
  const after = await held();
  assert.ok(after - base < SLACK, `${after} after ${base}`);
  end();
});
