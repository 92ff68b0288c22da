// npm phoenix and our package again, driven by scripts made at random: joins, pushes, leaves, a server that
// answers, refuses, crashes or says nothing, and connections that break at any moment.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as phoenix from "phoenix";

import { Socket } from "../support/package.js";
import { record } from "../support/recorder.js";

const SCRIPTS = 400;
const STEPS = 80;
const TOPICS = ["a", "b", "c"];

// The same numbers for the same seed, from 0 to 1 (mulberry32).
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// What can happen, and how often it does.
const ACTIONS = [
  [3, "connect", (world) => world.socket.connect()],
  [1, "disconnect", (world) => world.socket.disconnect()],
  [6, "open", (world) => world.transport?.readyState === 0 && world.transport.opened()],
  [1, "fail", (world) => world.transport?.readyState < 2 && world.transport.failed()],
  [1, "close", (world) => world.transport?.readyState === 1 && world.transport.closed(1000)],
  [1, "begin to close", beginToClose],
  [5, "join", join],
  [8, "push", push],
  [2, "leave", leave],
  [10, "answer", answer],
  [1, "answer again", (world) => world.answered && deliver(world, world.answered)],
  [2, "broadcast", (world, pick) => deliver(world, [null, null, pick(TOPICS), "shout", { n: 1 }])],
  [2, "send", (world, pick) => toChannel(world, pick, "shout")],
  [1, "crash", (world, pick) => toChannel(world, pick, "phx_error")],
  [1, "close channel", (world, pick) => toChannel(world, pick, "phx_close")],
  [
    1,
    "ping",
    (world) =>
      world.told(
        "ping",
        world.socket.ping((ms) => world.told("pong", ms)),
      ),
  ],
  [1, "raw", (world) => world.socket.push({ topic: "t", event: "e", payload: [], ref: "r" })],
];

const NAMES = ACTIONS.flatMap(([weight, name]) => Array(weight).fill(name));
const ACTS = new Map(ACTIONS.map(([, name, act]) => [name, act]));

function beginToClose({ transport }) {
  if (transport?.readyState !== 1) return;
  transport.readyState = 2;
  setTimeout(() => transport.closed(1001), 40);
}

function join(world, pick) {
  const topic = pick(TOPICS);
  const channel = world.channel(topic);
  world.follow(`join ${world.channels.length - 1}`, channel.join(pick([9_973, 3_001, 97])));
}

function push(world, pick) {
  const channel = pick(world.channels);
  if (channel) world.follow(`push ${world.pushes.size}`, channel.push("x", {}, pick([4_201, 811])));
}

// Of one that has ended it does nothing here, and what it does in phoenix.js is of no use to anybody.
function leave(world, pick) {
  const channel = pick(world.channels.filter(({ state }) => state !== "closed"));
  if (channel) world.follow(`leave ${world.pushes.size}`, channel.leave());
}

function answer(world, pick) {
  const frame = pick(world.transport?.sent.filter((frame) => !isEmptyLeave(frame)) ?? []);
  if (!frame) return;
  const [join_ref, ref, topic] = JSON.parse(frame);
  const status = pick(["ok", "ok", "ok", "error"]);
  world.answered = [join_ref, ref, topic, "phx_reply", { status, response: { ref } }];
  deliver(world, world.answered);
}

// One that is joined; phoenix.js lets a channel that is closed while it joins come back from the dead.
function toChannel(world, pick, event) {
  const channel = pick(world.channels.filter(({ state }) => state === "joined"));
  if (channel) deliver(world, [channel.joinRef(), channel.joinRef(), channel.topic, event, {}]);
}

function deliver(world, message) {
  if (world.transport?.readyState === 1) world.transport.receive(message);
}

function script(seed) {
  return (world) => {
    const next = random(seed);
    const pick = (list) => list[Math.floor(next() * list.length)];
    world.listen();
    for (let step = 0; step < STEPS; step++) {
      const name = pick(NAMES);
      world.step(name, () => ACTS.get(name)(world, pick));
      // No two things at the same time, for then it would matter which timer was made first.
      world.wait(1 + Math.floor(next() ** 6 * 20_000));
    }
  };
}

// Ours sends no leave where there is no join to undo, and phoenix.js one that names no join.
function isEmptyLeave(entry) {
  return /\[null,"\d+","\w+","phx_leave",{}\]$/.test(entry);
}

function withoutEmptyLeaves(recorded) {
  return { ...recorded, wire: recorded.wire.filter((entry) => !isEmptyLeave(entry)) };
}

test(`${SCRIPTS} random scripts look the same with npm phoenix and with ours`, () => {
  for (let seed = 1; seed <= SCRIPTS; seed++) {
    const ours = record(Socket, script(seed));
    const theirs = withoutEmptyLeaves(record(phoenix.Socket, script(seed)));
    assert.deepEqual(ours, theirs, `script ${seed}`);
  }
});
