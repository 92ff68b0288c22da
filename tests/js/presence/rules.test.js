// The rules of Presence by example: the cases that phoenix.js's own presence tests cover, and what is
// known to surprise.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Ours as Presence, PlainChannel, RawChannel, watch } from "../support/presence.js";

const meta = (ref, more) => ({ phx_ref: ref, ...more });
const one = (ref) => ({ metas: [meta(ref)] });

// Objects without a prototype compare equal to their plain copies.
const plain = (value) => JSON.parse(JSON.stringify(value));

function recorded() {
  const events = [];
  return {
    events,
    onJoin: (key, current, joined) => events.push(["join", key, plain(current ?? null), plain(joined)]),
    onLeave: (key, current, left) => events.push(["leave", key, plain(current), plain(left)]),
  };
}

describe("Presence.syncState", () => {
  test("fills an empty state and leaves the old one as it was", () => {
    const before = {};
    const after = Presence.syncState(before, { ada: one("1") });
    assert.deepEqual(plain(after), { ada: one("1") });
    assert.deepEqual(before, {});
  });

  test("reports who came and who went", () => {
    const { events, onJoin, onLeave } = recorded();
    const state = Presence.syncState({}, { dan: one("4") });
    const now = { ada: one("1"), bob: one("2") };
    assert.deepEqual(plain(Presence.syncState(state, now, onJoin, onLeave)), now);
    assert.deepEqual(events, [
      ["join", "ada", null, one("1")],
      ["join", "bob", null, one("2")],
      ["leave", "dan", { metas: [] }, one("4")],
    ]);
  });

  test("reports only the metas that are new to a key", () => {
    const { events, onJoin, onLeave } = recorded();
    const state = Presence.syncState({}, { ada: one("1") });
    Presence.syncState(state, { ada: { metas: [meta("1"), meta("2")] } }, onJoin, onLeave);
    assert.deepEqual(events, [["join", "ada", one("1"), one("2")]]);
  });

  test("reports only the metas that went from a key", () => {
    const { events, onJoin, onLeave } = recorded();
    const state = Presence.syncState({}, { ada: { metas: [meta("1"), meta("2")] } });
    Presence.syncState(state, { ada: one("2") }, onJoin, onLeave);
    assert.deepEqual(events, [["leave", "ada", one("2"), one("1")]]);
  });

  test("takes keys that objects have from their prototype for ordinary keys", () => {
    const { events, onJoin } = recorded();
    const names = ["__proto__", "constructor", "hasOwnProperty"];
    const text = `{${names.map((name) => `"${name}":{"metas":[{"phx_ref":"1"}]}`).join(",")}}`;
    const state = Presence.syncState({}, JSON.parse(text), onJoin);
    assert.equal(Object.getPrototypeOf(state), null);
    assert.deepEqual(
      events.map(([, key, current]) => [key, current]),
      names.map((name) => [name, null]),
    );
    assert.deepEqual(Object.getOwnPropertyNames(Presence.syncState(state, {})), []);
  });

  test("of one key with very many metas looks at each a few times, and not at each for each", () => {
    const COUNT = 10_000;
    const { includes, indexOf } = Array.prototype;
    let looks = 0;
    const counted = (ref) => ({
      get phx_ref() {
        looks += 1;
        return ref;
      },
    });
    const many = (from) => ({
      ada: { metas: Array.from({ length: COUNT }, (_, i) => counted(String(from + i))) },
    });
    // What is searched may be looked at to its end.
    const searching = (search) =>
      function (...args) {
        looks += this.length;
        return search.apply(this, args);
      };
    Object.assign(Array.prototype, { includes: searching(includes), indexOf: searching(indexOf) });
    try {
      assert.equal(Presence.syncState(many(0), many(COUNT / 2)).ada.metas.length, COUNT);
    } finally {
      Object.assign(Array.prototype, { includes, indexOf });
    }
    assert.ok(looks > COUNT && looks < 20 * COUNT, `${looks} looks at ${COUNT} metas`);
  });
});

describe("Presence.syncDiff", () => {
  test("adds a key and a meta, and takes a key whose last meta goes", () => {
    const state = Presence.syncState({}, { ada: one("1"), bob: one("2") });
    const diff = { joins: { ada: one("1.2"), eve: one("5") }, leaves: { bob: one("2") } };
    assert.deepEqual(plain(Presence.syncDiff(state, diff)), {
      ada: { metas: [meta("1"), meta("1.2")] },
      eve: one("5"),
    });
  });

  test("keeps a key that has metas left", () => {
    const state = Presence.syncState({}, { ada: { metas: [meta("1"), meta("2")] } });
    Presence.syncDiff(state, { joins: {}, leaves: { ada: one("1") } });
    assert.deepEqual(plain(state), { ada: one("2") });
  });

  test("gives each state a list of metas of its own", () => {
    const metas = [meta("1"), meta("2")];
    const state = Presence.syncDiff({ ada: { metas } }, { joins: {}, leaves: { ada: one("3") } });
    assert.notEqual(state.ada.metas, metas);
    assert.deepEqual(state.ada.metas, metas);
  });

  test("changes a state without prototype in place, and copies any other", () => {
    const diff = { joins: { ada: one("1") }, leaves: {} };
    const bare = Object.create(null);
    assert.equal(Presence.syncDiff(bare, diff), bare);
    const object = {};
    assert.notEqual(Presence.syncDiff(object, diff), object);
    assert.deepEqual(object, {});
  });
});

describe("Presence.list", () => {
  const state = { ada: { metas: [meta("1"), meta("2")] }, bob: one("3") };

  test("gives the presences", () => {
    assert.deepEqual(Presence.list(state), Object.values(state));
  });

  test("gives what a function makes of them", () => {
    const first = Presence.list(state, (key, { metas: [first] }) => `${key} ${first.phx_ref}`);
    assert.deepEqual(first, ["ada 1", "bob 3"]);
  });
});

for (const Channel of [PlainChannel, RawChannel]) {
  describe(`a presence on a ${Channel.name}`, () => {
    const state = (channel, value) => channel.deliver("presence_state", JSON.stringify(value));
    const diff = (channel, joins, leaves) =>
      channel.deliver("presence_diff", JSON.stringify({ joins, leaves }));

    test("holds diffs back until the state has come", () => {
      const channel = new Channel();
      const log = [];
      const presence = watch(new Presence(channel), log);
      assert.equal(presence.inPendingSyncState(), true);

      diff(channel, {}, { bob: one("2") });
      assert.deepEqual(presence.pendingDiffs, [{ joins: {}, leaves: { bob: one("2") } }]);
      assert.deepEqual(presence.list(), []);
      assert.deepEqual(log, []);

      state(channel, { ada: one("1"), bob: one("2") });
      assert.equal(presence.inPendingSyncState(), false);
      assert.deepEqual(presence.pendingDiffs, []);
      assert.deepEqual(presence.list((key) => key), ["ada"]);
      assert.deepEqual(
        log.map(([kind, key]) => `${kind} ${key}`),
        ["join ada", "join bob", "leave bob", "sync 0"],
      );
    });

    test("holds back so many diffs, and when no state comes drops the oldest and says so", () => {
      const channel = new Channel();
      channel.topic = "room:a";
      const presence = new Presence(channel, { maxPendingDiffs: 4 });
      const join = (key) => diff(channel, { [key]: one(key) }, {});
      const held = () => presence.pendingDiffs.flatMap(({ joins }) => Object.keys(joins)).join("");
      for (const key of "abcd") join(key);
      assert.equal(held(), "abcd");
      const said = /^Error: Presence of 'room:a': no 'presence_state' has come, .* more than 4 'presence_diff'/;
      assert.throws(() => join("e"), said);
      assert.equal(held(), "cde");
      join("f");
      assert.throws(() => join("g"), said);
      state(channel, { ada: one("1") });
      assert.equal(presence.list((key) => key).join(" "), "ada e f g");
    });

    test("holds back 10,000 diffs if it is not told how many", () => {
      const channel = new Channel();
      const presence = new Presence(channel);
      for (let i = 0; i < 10_000; i++) diff(channel, {}, {});
      assert.equal(presence.pendingDiffs.length, 10_000);
      assert.throws(() => diff(channel, {}, {}), /more than 10000/);
      assert.equal(presence.pendingDiffs.length, 5_001);
    });

    test("applies the other diffs that it held back if one of them is none", () => {
      const channel = new Channel();
      const presence = new Presence(channel);
      diff(channel, { bob: one("2") }, {});
      channel.deliver("presence_diff", '{"joins":{}}');
      diff(channel, { eve: one("3") }, {});
      const log = [];
      watch(presence, log);
      assert.throws(() => state(channel, { ada: one("1") }), /presence_diff refused/);
      assert.deepEqual(presence.list((key) => key), ["ada", "bob", "eve"]);
      assert.deepEqual(
        log.map(([kind, key]) => `${kind} ${key}`),
        ["join ada", "join bob", "join eve", "sync 0"],
      );
    });

    test("holds diffs back again after a rejoin, and shows the old state until then", () => {
      const channel = new Channel();
      const presence = new Presence(channel);
      state(channel, { ada: one("1"), bob: one("2") });
      channel.ref = "2";
      assert.equal(presence.inPendingSyncState(), true);

      diff(channel, { eve: one("3") }, {});
      assert.deepEqual(presence.list((key) => key), ["ada", "bob"]);

      const log = [];
      watch(presence, log);
      state(channel, { bob: one("2") });
      assert.deepEqual(presence.list((key) => key), ["bob", "eve"]);
      assert.deepEqual(
        log.map(([kind, key]) => `${kind} ${key}`),
        ["leave ada", "join eve", "sync 0"],
      );
    });

    test("listens to the events that it is told, and only to those", () => {
      const channel = new Channel();
      const presence = new Presence(channel, { events: { state: "who", diff: "moves" } });
      state(channel, { ada: one("1") });
      assert.deepEqual(presence.list(), []);
      channel.deliver("who", JSON.stringify({ ada: one("1") }));
      channel.deliver("moves", JSON.stringify({ joins: { bob: one("2") }, leaves: {} }));
      assert.deepEqual(presence.list((key) => key), ["ada", "bob"]);
    });

    test("goes without callbacks that were taken back", () => {
      const channel = new Channel();
      const presence = new Presence(channel);
      for (const set of ["onJoin", "onLeave", "onSync"]) presence[set](() => assert.fail(set));
      for (const set of ["onJoin", "onLeave", "onSync"]) presence[set](undefined);
      state(channel, { ada: one("1") });
      diff(channel, {}, { ada: one("1") });
      assert.deepEqual(presence.list(), []);
    });

    test("gives the same objects again until they change", () => {
      const channel = new Channel();
      const presence = new Presence(channel);
      state(channel, { ada: one("1"), bob: one("2") });
      const [ada, bob] = presence.list();
      diff(channel, { bob: one("3"), eve: one("4") }, {});
      const listed = presence.list();
      assert.equal(listed[0], ada);
      assert.notEqual(listed[1], bob);
      assert.equal(presence.list()[2], listed[2]);
      assert.equal(presence.state.ada, ada);
    });

    test("keeps `state` up to date, in order, however rarely it is read", () => {
      const channel = new Channel();
      const presence = new Presence(channel);
      state(channel, { z: one("1"), 5: one("2"), y: one("3") });
      const names = () => Object.getOwnPropertyNames(presence.state);
      assert.deepEqual(names(), ["5", "z", "y"]);
      diff(channel, { x: one("4"), 1: one("5") }, { z: one("1") });
      diff(channel, { z: one("6"), y: one("7") }, { 5: one("2") });
      assert.deepEqual(names(), ["1", "y", "x", "z"]);
      for (let i = 0; i < 1_000; i++) diff(channel, { x: one(`x${i + 1}`) }, { x: one(`x${i}`) });
      assert.deepEqual(presence.state.x, { metas: [meta("4"), meta("x1000")] });
    });

    test("can be reset by assigning a state", () => {
      const channel = new Channel();
      const presence = new Presence(channel);
      state(channel, { ada: one("1") });
      presence.state = { bob: one("2") };
      assert.deepEqual(plain(presence.state), { bob: one("2") });
      presence.state = {};
      assert.deepEqual(presence.list(), []);
      diff(channel, { eve: one("3") }, {});
      assert.deepEqual(presence.list((key) => key), ["eve"]);
    });

    test("refuses what is no presence payload, says so, and stays as it was", () => {
      const channel = new Channel();
      const presence = new Presence(channel);
      state(channel, { ada: one("1") });
      for (const [event, payload, message] of [
        ["presence_state", '{"bob":7}', /^presence_state refused: no object.* at (byte 7|"bob")$/],
        ["presence_state", '"who"', /^presence_state refused: no object/],
        ["presence_diff", '{"joins":{}}', /^presence_diff refused: no object.* in "leaves"$/],
        ["presence_diff", '{"leaves":{}}', /^presence_diff refused: no object.* in "joins"$/],
        ["presence_diff", '{"leaves":{},"joins":{"x":0}}', /^presence_diff refused: no object/],
      ]) {
        assert.throws(() => channel.deliver(event, payload), { name: "TypeError", message });
        assert.deepEqual(presence.list((key) => key), ["ada"]);
      }
    });
  });
}

test("a payload spelled unusually means what JSON.parse makes of it", () => {
  const channel = new RawChannel();
  const log = [];
  const presence = watch(new Presence(channel), log);
  channel.deliver(
    "presence_state",
    String.raw` {"\u0061da" : { "metas":[ {"phx_ref":1.0} , {"phx_ref":"x","phx_ref":"y"} ] },
      "bob":{"metas":[]}, "bob":{"metas":[{"phx_\u0072ef":"\ud83e\udd80"}]}} `,
  );
  log.length = 0;
  channel.deliver(
    "presence_state",
    '{"ada":{"metas":[{"phx_ref":"y"},{"phx_ref":1e0}]},"bob":{"metas":[{"phx_ref":"🦀"}]}}',
  );
  assert.deepEqual(log, [["sync", 0]]);
  assert.deepEqual(presence.list(), [
    { metas: [{ phx_ref: 1 }, { phx_ref: "y" }] },
    { metas: [{ phx_ref: "🦀" }] },
  ]);
});

test("large payloads of any script come through whole", () => {
  const channel = new RawChannel();
  const presence = new Presence(channel);
  for (const letter of ["a", "é", "漢", "🦀"]) {
    const state = {};
    for (let i = 0; i < 5_000; i++) state[`${letter}${i}`] = one(letter.repeat(50));
    channel.deliver("presence_state", JSON.stringify(state));
    assert.deepEqual(plain(presence.state), state);
  }
});
