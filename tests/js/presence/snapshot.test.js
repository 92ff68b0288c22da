// Large states, which are read in wasm first: whatever was in the last one, and whatever diffs and rejoins came
// between, a presence does what phoenix.js's does.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ours, PlainChannel, RawChannel, Theirs, steps, take, text, watch } from "../support/presence.js";
import { PACKAGE } from "../support/server.js";

const { Snapshot } = await import(`${PACKAGE}/client.js`);

// Members that make every state a large one. They come first, or else a member of another kind might, after which all
// would be read as it is.
const MANY = Array.from({ length: 300 }, (_, i) => {
  const text = JSON.stringify(']},"{'.repeat(18));
  const meta = `{"phx_ref":"~${i}","text":${text}}`;
  return `"~${i}":{"metas":[${i % 5 === 0 ? `${meta},{"phx_ref":"${i}~"}` : meta}]}`;
}).join(",");

const enlarged = (state) => (state === "{}" ? `{${MANY}}` : `{${MANY},${state.slice(1)}`);
const withoutMany = (presence) => presence.list((key) => key).filter((key) => !key.startsWith("~"));

// Also first states, which otherwise have to be longer, and not the first ones of a page: see noting.test.js.
const { isFasterFor } = Snapshot;
const isFastAtFirst = isFasterFor(2 ** 22);
Snapshot.isFasterFor = () => true;

// How many states wasm has read, and how many it has refused.
const states = { read: 0, refused: 0 };
const { read } = Snapshot.prototype;
Snapshot.prototype.read = function (text) {
  const result = read.call(this, text);
  states[result === null ? "refused" : "read"] += 1;
  return result;
};

function pair(watched) {
  return [[Ours, RawChannel], [Theirs, PlainChannel]].map(([Presence, Channel]) => {
    const channel = new Channel();
    const log = [];
    return { channel, log, presence: watch(new Presence(channel), log, watched) };
  });
}

function assertSame(ours, theirs) {
  assert.deepEqual(ours.log, theirs.log);
  assert.deepEqual(ours.presence.list((key) => key), theirs.presence.list((key) => key));
  assert.equal(text(ours.presence.list()), text(theirs.presence.list()));
}

// Without most of what makes wasm refuse a state.
function tamed(state) {
  const tame = Object.entries(JSON.parse(state)).filter(([key]) => !JSON.stringify(key).includes("\\"));
  return JSON.stringify(Object.fromEntries(tame.map(([key, { metas }]) => [key, { metas }])));
}

test("whatever comes between large states, a presence does what phoenix.js's does", () => {
  const watched = fc.subarray(["join", "leave", "sync"]);
  fc.assert(
    fc.property(steps, watched, fc.boolean(), fc.boolean(), (steps, watched, repeat, tame) => {
      const [ours, theirs] = pair(watched);
      for (const { step } of steps) {
        const isState = step.event === "presence_state";
        const large = isState ? { ...step, text: enlarged(tame ? tamed(step.text) : step.text) } : step;
        // The same state twice, as after a short loss of the connection.
        for (let times = isState && repeat ? 2 : 1; times > 0; times--) {
          for (const { channel } of [ours, theirs]) take(channel, large);
          assertSame(ours, theirs);
        }
      }
      assert.equal(text(ours.presence.state), text(theirs.presence.state));
    }),
    { numRuns: 200 },
  );
  assert.ok(states.read > 0 && states.refused > 0, JSON.stringify(states));
});

test("who is in a large state without a meta comes again with the next one, as with phoenix.js", () => {
  const [ours, theirs] = pair(["join", "leave", "sync"]);
  for (const metas of ['[{"phx_ref":"1"}]', "[]", "[]", "[]"]) {
    for (const { channel } of [ours, theirs]) {
      channel.deliver("presence_state", enlarged(`{"ada":{"metas":${metas}}}`));
    }
    assertSame(ours, theirs);
  }
});

// A room of users as a server has it: ids, or names of any script.
const room = fc.record({
  users: fc.array(fc.integer({ min: 0, max: 4_000 }), { minLength: 1_500, maxLength: 2_500 }),
  numbered: fc.boolean(),
  // Whether there is more in a presence than metas.
  described: fc.boolean(),
  script: fc.constantFrom("a", "é", "漢", "🦀"),
  came: fc.array(fc.integer({ min: 0, max: 4_000 }), { maxLength: 20 }),
  went: fc.array(fc.nat(), { maxLength: 20 }),
  updated: fc.array(fc.nat(), { maxLength: 20 }),
  moved: fc.nat(4),
});

test("in a large room that changed while the connection was lost, a presence does what phoenix.js's does", () => {
  fc.assert(
    fc.property(room, ({ users, numbered, described, script, came, went, updated, moved }) => {
      const [ours, theirs] = pair(["join", "leave", "sync"]);
      const name = (id) => (numbered ? String(id) : `${script.repeat(9)} ${id}`);
      const refs = new Map(users.map((id) => [id, `r${id}`]));
      const present = (from) => {
        const all = [...refs].map(([id, ref]) => [
          name(id),
          { metas: [{ phx_ref: ref, script: script.repeat(120) }], ...(described && { user: { id } }) },
        ]);
        return JSON.stringify(Object.fromEntries([...all.slice(from), ...all.slice(0, from)]));
      };
      const both = (event, payload) => {
        for (const { channel } of [ours, theirs]) channel.deliver(event, payload);
        assertSame(ours, theirs);
      };
      both("presence_state", present(0));
      const ids = [...refs.keys()];
      const [gone, ...others] = went.map((index) => ids[index % ids.length]);
      if (gone !== undefined) {
        const leaves = { [name(gone)]: { metas: [{ phx_ref: refs.get(gone) }] } };
        refs.delete(gone);
        both("presence_diff", JSON.stringify({ joins: {}, leaves }));
      }
      for (const id of others) refs.delete(id);
      for (const index of updated) refs.set(ids[index % ids.length], `u${index}`);
      for (const id of came) refs.set(id, `c${id}`);
      both("presence_state", present(moved));
      both("presence_state", present(0));
    }),
    { numRuns: 30 },
  );
});

test("who is as before is not made again, and everybody else is", () => {
  const metas = (ref) => ({ metas: [{ phx_ref: ref, text: "x".repeat(100) }] });
  const state = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`user ${i}`, metas(String(i))]));
  const snapshot = new Snapshot();
  assert.equal(snapshot.read(JSON.stringify(state)).keys.length, 1_000);
  state["user 7"] = metas("new");
  delete state["user 8"];
  state.ada = metas("ada");
  assert.ok(snapshot.touch(["user 9", "nobody"], 3));
  assert.ok(snapshot.touch(["nobody"], 3));
  assert.ok(!snapshot.touch(["user 9"], 3));
  const { keys, presences, size } = snapshot.read(JSON.stringify(state));
  assert.deepEqual(keys, ["user 7", "user 9", "ada"]);
  assert.deepEqual(presences, [state["user 7"], state["user 9"], state.ada]);
  assert.equal(size, 1_000);
  assert.deepEqual([...snapshot.keys(JSON.stringify(state))], Object.keys(state));
  assert.deepEqual(snapshot.read(JSON.stringify(state)), { keys: [], presences: [], size: 1_000 });
  snapshot.free();
});

test("a large state that is none is refused, and the members stay as they were", () => {
  const channel = new RawChannel();
  const presence = new Ours(channel);
  const ada = '"ada":{"metas":[{"phx_ref":"1"}]}';
  channel.deliver("presence_state", enlarged(`{${ada}}`));
  for (const broken of ['"eve":7', '"eve":{"metas":[{"phx_ref":"1"]}}', '"eve":{"metas":[tru]}']) {
    assert.throws(() => channel.deliver("presence_state", enlarged(`{${broken}}`)), /eve|JSON/);
    assert.deepEqual(withoutMany(presence), ["ada"]);
  }
  channel.deliver("presence_state", enlarged('{"bob":{"metas":[{"phx_ref":"2"}]}}'));
  assert.deepEqual(withoutMany(presence), ["bob"]);
});

test("a state in which one member takes most of the text is parsed as a whole", () => {
  const snapshot = new Snapshot();
  const metas = Array.from({ length: 2_000 }, (_, i) => ({ phx_ref: String(i), at: "x".repeat(20) }));
  assert.equal(snapshot.read(JSON.stringify({ everybody: { metas } })), null);
  snapshot.free();
});

test("wasm is not faster before it has read a few states, nor for one that is short", () => {
  assert.equal(isFastAtFirst, false);
  const snapshot = new Snapshot();
  const state = JSON.stringify({ a: { metas: [{ text: "x".repeat(20_000) }] } });
  for (let i = 0; i < 30; i++) snapshot.read(state);
  assert.deepEqual([isFasterFor(2 ** 22), isFasterFor(2 ** 19)], [true, false]);
  snapshot.free();
});
