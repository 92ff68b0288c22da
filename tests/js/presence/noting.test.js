// The first large states of a page are parsed as a whole, and wasm notes them when there is time. Whatever comes while
// it does, a presence does what phoenix.js's does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Ours, PlainChannel, RawChannel, Theirs, text, watch } from "../support/presence.js";
import { PACKAGE } from "../support/server.js";

const { Snapshot } = await import(`${PACKAGE}/client.js`);

// However many there have been, and however long they are.
let isFast = false;
Snapshot.isFasterFor = () => isFast;

// Each state is read in a few parts.
const MEMBERS = 800;

const member = (i, ref = `r${i}`) => [`user ${i}`, { metas: [{ phx_ref: ref, text: "x".repeat(60) }] }];
const room = (...changes) =>
  Object.fromEntries([...Array.from({ length: MEMBERS }, (_, i) => member(i)), ...changes]);
const diff = (joins, leaves) =>
  JSON.stringify({ joins: Object.fromEntries(joins), leaves: Object.fromEntries(leaves) });

// What wasm has said of states: how many members were new, or null.
const said = [];
const { read } = Snapshot.prototype;
Snapshot.prototype.read = function (state) {
  const result = read.call(this, state);
  said.push(result && result.keys.length);
  return result;
};

function pair() {
  const made = [[Ours, RawChannel], [Theirs, PlainChannel]].map(([Presence, Channel]) => {
    const channel = new Channel();
    const log = [];
    return { channel, log, presence: watch(new Presence(channel), log) };
  });
  const [ours, theirs] = made;
  const tell = (event, payload) => {
    for (const { channel } of made) channel.deliver(event, payload);
    assert.deepEqual(ours.log, theirs.log);
    assert.equal(text(ours.presence.list()), text(theirs.presence.list()));
  };
  return { ours, tell };
}

async function untilNoted() {
  for (let i = 0; i < 20; i++) await wait(1);
}

test("a state that came first is compared with the next one as soon as it was noted", async () => {
  said.length = 0;
  const { ours, tell } = pair();
  const state = JSON.stringify(room());
  tell("presence_state", state);
  const [before] = ours.presence.list();
  assert.deepEqual(said, []);
  await untilNoted();
  tell("presence_state", state);
  assert.deepEqual(said, [0]);
  assert.equal(ours.presence.list()[0], before);
  tell("presence_state", JSON.stringify(room(member(7, "new"), member(1_000))));
  assert.deepEqual(said, [0, 2]);
});

test("a state that comes while the first one is noted is parsed as a whole, and noted in its place", async () => {
  said.length = 0;
  const { tell } = pair();
  tell("presence_state", JSON.stringify(room()));
  tell("presence_state", JSON.stringify(room(member(7, "new"))));
  await untilNoted();
  assert.deepEqual(said, []);
  tell("presence_state", JSON.stringify(room(member(7, "newer"))));
  assert.deepEqual(said, [1]);
});

test("once wasm is fast, states do not wait for the first one to be noted", () => {
  said.length = 0;
  const { tell } = pair();
  tell("presence_state", JSON.stringify(room()));
  isFast = true;
  const next = room(member(1_000), member(7, "new"));
  delete next["user 3"];
  for (let i = 0; i < 2; i++) tell("presence_state", JSON.stringify(next));
  isFast = false;
  // Who has lost a meta is told of once more.
  assert.deepEqual(said, [MEMBERS, 1]);
});

test("a state that somebody changed before is not taken for what was noted", async () => {
  said.length = 0;
  const channel = new RawChannel();
  channel.bind("presence_state", ({ payload }) => delete payload["user 3"]);
  const presence = new Ours(channel);
  for (const state of [room(), room(member(1_000))]) {
    channel.deliver("presence_state", JSON.stringify(state));
    await untilNoted();
  }
  assert.deepEqual([presence.has("user 3"), presence.has("user 1000"), said], [false, true, [null]]);
});

for (const when of ["before", "while", "after"]) {
  test(`diffs that come ${when} a state is noted count`, async () => {
    said.length = 0;
    const { tell } = pair();
    tell("presence_state", JSON.stringify(room()));
    if (when === "while") await wait(1);
    if (when === "after") await untilNoted();
    tell("presence_diff", diff([member(1_000)], [member(3)]));
    tell("presence_diff", diff([member(4, "more")], [member(4)]));
    await untilNoted();
    // As if none of it had happened.
    tell("presence_state", JSON.stringify(room()));
    assert.deepEqual(said, [2]);
  });
}

test("who is in a noted state without a meta comes again with the next one", async () => {
  said.length = 0;
  const { tell } = pair();
  const state = (metas) => JSON.stringify(room(["ada", { metas }]));
  tell("presence_state", state([{ phx_ref: "1" }]));
  tell("presence_state", state([]));
  await untilNoted();
  tell("presence_state", state([]));
  tell("presence_state", state([]));
  assert.deepEqual(said, [1, 0]);
});

test("a state that wasm refuses while it is noted makes all later ones be parsed as a whole", async () => {
  said.length = 0;
  const { tell } = pair();
  const state = JSON.stringify(room(["esc\\aped", { metas: [{ phx_ref: "1" }] }]));
  for (let i = 0; i < 3; i++) {
    tell("presence_state", state);
    await untilNoted();
  }
  assert.deepEqual(said, [null]);
});

test("nothing is noted for a presence that was destroyed", () => {
  const { ours } = pair();
  const timers = () => process.getActiveResourcesInfo().filter((what) => what === "Timeout").length;
  const before = timers();
  ours.channel.deliver("presence_state", JSON.stringify(room()));
  assert.equal(timers(), before + 1);
  ours.presence.destroy();
  assert.equal(timers(), before);
});
