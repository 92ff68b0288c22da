// herenow's Presence and npm phoenix's, given the same: they must do the same, to the order of keys.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  Ours,
  PlainChannel,
  RawChannel,
  Theirs,
  diff,
  exactly,
  note,
  presences,
  steps,
  take,
  text,
  watch,
} from "../support/presence.js";

const RUNS = { numRuns: 1_000 };

const watched = fc.subarray(["join", "leave", "sync"]);

// Whatever can be seen of a presence.
const seen = (presence) => ({
  state: text(presence.state),
  prototype: Object.getPrototypeOf(presence.state),
  keys: presence.list((key) => key),
  list: text(presence.list()),
  pending: exactly(presence.pendingDiffs),
  inPending: presence.inPendingSyncState(),
  joinRef: presence.joinRef,
});

function sameOn(Channel) {
  fc.assert(
    fc.property(steps, watched, (steps, watched) => {
      const [ours, theirs] = [Channel, PlainChannel].map((Channel, i) => {
        const channel = new Channel();
        const log = [];
        return { channel, log, presence: watch(new [Ours, Theirs][i](channel), log, watched) };
      });
      for (const { step, look } of steps) {
        take(ours.channel, step);
        take(theirs.channel, step);
        assert.deepEqual(ours.log, theirs.log);
        if (look) assert.deepEqual(seen(ours.presence), seen(theirs.presence));
      }
      assert.deepEqual(seen(ours.presence), seen(theirs.presence));
    }),
    RUNS,
  );
}

test("on a channel of herenow's, a presence does what phoenix.js's does", () => {
  sameOn(RawChannel);
});

test("on any other channel, a presence does what phoenix.js's does", () => {
  sameOn(PlainChannel);
});

// The one difference in what they hold, which is why they are compared as JSON; see `text`.
test("a meta has the numbers that JSON.parse reads, where phoenix.js has what JSON.stringify writes of them", () => {
  for (const [number, read, copied] of [
    ["1e400", Infinity, null],
    ["-1e400", -Infinity, null],
    ["-0", -0, 0],
    ["1e-400", 0, 0],
    ["9007199254740993", 2 ** 53, 2 ** 53],
    ["1e21", 1e21, 1e21],
  ]) {
    const one = (ref) => `{"metas":[{"phx_ref":"${ref}","n":${number}}]}`;
    for (const [Presence, Channel, expected] of [
      [Ours, RawChannel, read],
      [Ours, PlainChannel, read],
      [Theirs, PlainChannel, copied],
    ]) {
      const channel = new Channel();
      const presence = new Presence(channel);
      const given = [];
      presence.onJoin((_key, _current, { metas: [meta] }) => given.push(meta.n));
      presence.onLeave((_key, _current, { metas: [meta] }) => given.push(meta.n));
      channel.deliver("presence_state", `{"ada":${one(1)}}`);
      channel.deliver("presence_diff", `{"joins":{"bob":${one(2)}},"leaves":{}}`);
      given.push(...presence.list((_key, { metas: [meta] }) => meta.n));
      given.push(...Object.values(presence.state).map(({ metas: [meta] }) => meta.n));
      channel.deliver("presence_diff", `{"joins":{},"leaves":{"bob":${one(2)}}}`);
      assert.deepEqual(given, Array(7).fill(expected), `${Presence === Ours ? "ours" : "theirs"}, ${number}`);
    }
  }
});

// Runs a static function of both on equal arguments; compares the result, the callbacks, and what became
// of the arguments.
function sameStatic(name, prepare, withCallbacks) {
  const [ours, theirs] = [Ours, Theirs].map((Presence) => {
    const args = prepare();
    const log = [];
    const callbacks = withCallbacks ? [note(log, "join"), note(log, "leave")] : [];
    const result = Presence[name](...args, ...callbacks);
    return {
      result: exactly(result),
      prototype: Object.getPrototypeOf(result),
      same: result === args[0],
      args: args.map(exactly),
      log,
    };
  });
  assert.deepEqual(ours, theirs);
}

// A plain object, or one without a prototype.
const held = (text, bare) =>
  bare ? Object.assign(Object.create(null), JSON.parse(text)) : JSON.parse(text);

test("Presence.syncState does what phoenix.js's does", () => {
  fc.assert(
    fc.property(
      presences,
      presences,
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (current, state, bareCurrent, bareState, callbacks) => {
        const prepare = () => [held(current, bareCurrent), held(state, bareState)];
        sameStatic("syncState", prepare, callbacks);
      },
    ),
    RUNS,
  );
});

test("Presence.syncDiff does what phoenix.js's does", () => {
  fc.assert(
    fc.property(presences, diff, fc.boolean(), fc.boolean(), (state, diff, bare, callbacks) => {
      sameStatic("syncDiff", () => [held(state, bare), JSON.parse(diff)], callbacks);
    }),
    RUNS,
  );
});

test("Presence.list does what phoenix.js's does", () => {
  fc.assert(
    fc.property(presences, fc.boolean(), (state, bare) => {
      const [ours, theirs] = [Ours, Theirs].map((Presence) => [
        exactly(Presence.list(held(state, bare))),
        exactly(Presence.list(held(state, bare), (...args) => args)),
      ]);
      assert.deepEqual(ours, theirs);
    }),
  );
});

// Values that JSON has no word for, in objects that the static functions are given.
test("the static functions copy as JSON does", () => {
  const odd = () => ({
    a: {
      metas: [
        { phx_ref: "1", at: new Date(0), none: undefined, nan: NaN, f() {}, big: [undefined, -0] },
      ],
      user: { toJSON: () => "shown" },
    },
  });
  sameStatic("syncState", () => [odd(), {}], true);
  sameStatic("syncState", () => [{}, odd()], true);
  sameStatic("syncDiff", () => [{}, { joins: odd(), leaves: {} }], true);
  sameStatic("syncDiff", () => [odd(), { joins: {}, leaves: odd() }], true);
});

test("the static functions refuse what phoenix.js refuses, with the same kind of error", () => {
  for (const [name, args] of [
    ["syncState", () => [undefined, {}]],
    ["syncState", () => [{}, undefined]],
    ["syncDiff", () => [{}, undefined]],
    ["syncDiff", () => [null, { joins: {}, leaves: {} }]],
    ["syncDiff", () => [{}, { joins: {} }]],
    ["syncDiff", () => [{}, { leaves: {} }]],
    ["syncDiff", () => [{ a: { metas: [] } }, { joins: { a: {} }, leaves: {} }]],
    ["syncDiff", () => [{ a: { metas: "ab" } }, { joins: {}, leaves: { a: { metas: [{ phx_ref: "1" }] } } }]],
    ["list", () => [undefined]],
  ]) {
    const [ours, theirs] = [Ours, Theirs].map((Presence) => {
      try {
        Presence[name](...args());
      } catch (error) {
        return error.constructor;
      }
    });
    assert.equal(ours, theirs, `${name} ${args}`);
  }
});
