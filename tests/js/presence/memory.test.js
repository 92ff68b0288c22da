// Memory in wasm comes back: when a presence is destroyed, when it is given up, and while a session goes on.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { Ours as Presence, RawChannel } from "../support/presence.js";
import { PACKAGE } from "../support/server.js";

const { wasm } = await import(`${PACKAGE}/client.js`);

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

// A free list does not always have the very block that is asked for. What is not given back is far more than this.
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

const bytes = () => wasm.memory.buffer.byteLength;
const metas = (pick) => ({ metas: [{ phx_ref: String(pick(1_000)), text: "x".repeat(300 + pick(200)) }] });
const members = (pick, count) =>
  Object.fromEntries(Array.from({ length: count }, () => [`user ${pick(3_000)}`, metas(pick)]));

// States of all sizes and diffs between them, as of a connection that is lost now and then.
function live(channel, pick, steps) {
  for (let step = 0; step < steps; step++) {
    if (pick(3) === 0) {
      channel.deliver("presence_state", JSON.stringify(members(pick, pick(10) * 200)));
    } else {
      const diff = { joins: members(pick, pick(20)), leaves: members(pick, pick(20)) };
      channel.deliver("presence_diff", JSON.stringify(diff));
    }
  }
}

test("after destroy all memory serves the next", () => {
  const pick = random(1);
  const session = () => {
    const presences = Array.from({ length: 1 + pick(3) }, () => {
      const channel = new RawChannel();
      const presence = new Presence(channel);
      live(channel, pick, 6);
      return presence;
    });
    for (const presence of presences) presence.destroy();
  };
  for (let i = 0; i < 15; i++) session();
  const base = bytes();
  for (let i = 0; i < 60; i++) session();
  assert.ok(bytes() - base < SLACK, `${bytes()} after ${base}`);
});

test("a long session does not need more and more", () => {
  const pick = random(2);
  const channel = new RawChannel();
  const presence = new Presence(channel);
  live(channel, pick, 100);
  const base = bytes();
  live(channel, pick, 150);
  // Members who come and go, and no state for a long time.
  for (let i = 0; i < 5_000; i++) {
    const [coming, going] = [i, i - 1].map((i) => ({ [`guest ${i}`]: metas(random(i)) }));
    channel.deliver("presence_diff", JSON.stringify({ joins: coming, leaves: going }));
  }
  live(channel, pick, 100);
  assert.ok(bytes() - base < SLACK, `${bytes()} after ${base}`);
  presence.destroy();
});

test("a presence that was given up without destroy leaves no memory behind", async () => {
  const giveUp = () => {
    const channel = new RawChannel();
    new Presence(channel);
    channel.deliver("presence_state", JSON.stringify(members(random(3), 2_000)));
  };
  const collect = async () => {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 1));
  };
  for (let i = 0; i < 10; i++) {
    giveUp();
    await collect();
  }
  const base = bytes();
  for (let i = 0; i < 60; i++) {
    giveUp();
    await collect();
  }
  assert.ok(bytes() - base < SLACK, `${bytes()} after ${base}`);
});
