// Large states: whatever was in the last one, and whatever diffs and rejoins came between, a presence does what
// phoenix.js's does.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ours, RawChannel, countStates, pair, steps, take, text, warm } from "../support/presence.js";
import { PACKAGE } from "../support/server.js";

const { Reader } = await import(`${PACKAGE}/client.js`);
warm(Reader);
const states = countStates(Reader);

// Members that make every state a large one, written plainly or with escapes.
const [PLAIN, ESCAPED] = ["]},{", ']},"{'].map((noise) =>
  Array.from({ length: 300 }, (_, i) => {
    const meta = `{"phx_ref":"~${i}","text":${JSON.stringify(noise.repeat(18))}}`;
    return `"~${i}":{"metas":[${i % 5 === 0 ? `${meta},{"phx_ref":"${i}~"}` : meta}]}`;
  }).join(","),
);

const enlarged = (state, many = PLAIN) => (state === "{}" ? `{${many}}` : `{${many},${state.slice(1)}`);
const withoutMany = (presence) => presence.list((key) => key).filter((key) => !key.startsWith("~"));

function assertSame(ours, theirs) {
  assert.deepEqual(ours.log, theirs.log);
  assert.deepEqual(ours.presence.list((key) => key), theirs.presence.list((key) => key));
  assert.equal(text(ours.presence.list()), text(theirs.presence.list()));
}

test("whatever comes between large states, a presence does what phoenix.js's does", () => {
  const watched = fc.subarray(["join", "leave", "sync"]);
  fc.assert(
    fc.property(steps, watched, fc.boolean(), fc.constantFrom(PLAIN, ESCAPED), (steps, watched, repeat, many) => {
      const [ours, theirs] = pair(watched);
      for (const { step } of steps) {
        const isState = step.event === "presence_state";
        const large = isState ? { ...step, text: enlarged(step.text, many) } : step;
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
  assert.ok(states.read > 100 && states.left > 100, JSON.stringify(states));
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
  const { read } = states;
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
  assert.ok(states.read - read > 30, JSON.stringify(states));
});

test("who is as before is the same object, and everybody else is as the state says", () => {
  const metas = (ref) => ({ metas: [{ phx_ref: ref, text: "x".repeat(100) }] });
  const state = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`user ${i}`, metas(String(i))]));
  const channel = new RawChannel();
  const presence = new Ours(channel);
  const deliver = () => channel.deliver("presence_state", JSON.stringify(state));
  deliver();
  const before = new Map(presence);
  state["user 7"] = metas("new");
  delete state["user 8"];
  state.ada = metas("ada");
  deliver();
  assert.deepEqual(Object.fromEntries(presence), state);
  const isNew = ([key, value]) => before.get(key) !== value;
  assert.deepEqual([...presence].filter(isNew).map(([key]) => key), ["user 7", "ada"]);
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
