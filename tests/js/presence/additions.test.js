// What our Presence offers beyond that of phoenix.js.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Ours as Presence, PlainChannel, RawChannel, steps, take } from "../support/presence.js";

const one = (ref, fields) => ({ metas: [{ phx_ref: ref, ...fields }] });
const state = (channel, value) => channel.deliver("presence_state", JSON.stringify(value));
const diff = (channel, joins, leaves) =>
  channel.deliver("presence_diff", JSON.stringify({ joins, leaves }));

for (const Channel of [PlainChannel, RawChannel]) {
  const name = Channel.name;

  test(`an update is reported with the meta before and after, once joins and leaves are (${name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    state(channel, { ada: one("1", { s: "here" }), bob: one("2") });
    const log = [];
    presence.onJoin((key) => log.push(`join ${key}`));
    presence.onLeave((key) => log.push(`leave ${key}`));
    presence.onUpdate((key, before, after) => log.push([key, before, after]));
    const after = { phx_ref: "3", phx_ref_prev: "1", s: "away" };
    diff(channel, { ada: { metas: [after] }, eve: one("4") }, { ada: one("1", { s: "here" }), bob: one("2") });
    assert.deepEqual(log, [
      "join ada",
      "join eve",
      "leave ada",
      "leave bob",
      ["ada", { phx_ref: "1", s: "here" }, after],
    ]);
  });

  test(`an update that happened while away is found in the next state (${name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    state(channel, { ada: one("1") });
    const updates = [];
    presence.onUpdate((key, before, after) => updates.push([key, before.phx_ref, after.phx_ref]));
    channel.ref = "2";
    state(channel, { ada: one("3", { phx_ref_prev: "1" }) });
    assert.deepEqual(updates, [["ada", "1", "3"]]);
  });

  test(`changes tell each key once, and nothing if nothing changed (${name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    const changes = [];
    presence.onChange((change) => changes.push(change));
    state(channel, { ada: one("1"), bob: one("2") });
    state(channel, { ada: one("1"), bob: one("2") });
    const visit = { eve: one("3") };
    diff(channel, { ...visit, ada: one("4") }, { ...visit, bob: one("2") });
    diff(channel, { fay: one("5") }, { fay: one("5") });
    assert.deepEqual(changes, [
      { joined: ["ada", "bob"], left: [], updated: [] },
      { joined: [], left: ["bob"], updated: ["ada"] },
    ]);
  });

  test(`whatever happens, all views agree with the state (${name})`, () => {
    fc.assert(
      fc.property(steps, (history) => {
        const channel = new Channel();
        const presence = new Presence(channel);
        const followed = new Set();
        presence.onChange(({ joined, left, updated }) => {
          for (const key of joined) assert.equal(followed.size + 1, followed.add(key).size);
          for (const key of left) assert.ok(followed.delete(key));
          for (const key of updated) assert.ok(followed.has(key));
        });
        for (const { step } of history) {
          take(channel, step);
          const entries = Object.entries(presence.state);
          const metas = entries.flatMap(([, { metas }]) => metas);
          assert.deepEqual([...presence], entries);
          assert.deepEqual([...presence.keys()], Object.keys(presence.state));
          assert.deepEqual([...presence.values()], presence.list());
          assert.deepEqual(presence.getSnapshot(), entries);
          assert.equal(presence.size, entries.length);
          assert.equal(presence.connections, metas.length);
          for (const [key, entry] of entries) {
            assert.ok(presence.has(key));
            assert.equal(presence.get(key), entry);
          }
          assert.ok(!presence.has("nobody of this name"));
          assert.deepEqual([...followed].sort(), Object.keys(presence.state).sort());
        }
      }),
    );
  });

  test(`unchanged members keep their objects, and an unchanged list its snapshot (${name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    state(channel, { ada: one("1"), bob: one("2") });
    const [ada, bob] = presence.list();
    const before = presence.getSnapshot();
    assert.equal(presence.getSnapshot(), before);
    state(channel, { ada: one("1"), bob: one("2") });
    assert.equal(presence.getSnapshot(), before);
    diff(channel, { bob: one("3") }, {});
    assert.notEqual(presence.getSnapshot(), before);
    assert.equal(presence.get("ada"), ada);
    assert.notEqual(presence.get("bob"), bob);
  });

  test(`subscribers are called after the callbacks, until they end it (${name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    const log = [];
    const { subscribe } = presence;
    const end = subscribe(() => log.push("subscriber"));
    presence.onSync(() => log.push("sync"));
    state(channel, { ada: one("1") });
    end();
    state(channel, {});
    assert.deepEqual(log, ["sync", "subscriber", "sync"]);
  });

  test(`a destroyed presence hears nothing and holds nobody (${name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    const calls = [];
    presence.onSync(() => calls.push("sync"));
    presence.subscribe(() => calls.push("subscriber"));
    state(channel, { ada: one("1") });
    assert.equal(channel.bindings.size, 2);
    presence.destroy();
    presence.destroy();
    assert.equal(channel.bindings.size, 0);
    state(channel, { bob: one("2") });
    assert.deepEqual(calls, ["sync", "subscriber"]);
    assert.equal(presence.size, 0);
    assert.equal(presence.connections, 0);
    assert.deepEqual(presence.list(), []);
    assert.deepEqual(presence.getSnapshot(), []);
    assert.equal(presence.inPendingSyncState(), true);
  });

  test(`the object of all of them is the same from before the first state on (${name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    const held = presence.state;
    // As text it can be read in more than one way.
    for (const payload of [{ ada: one("1"), 7: one("7") }, {}, { bob: one("2"), text: { metas: [{ text: "\n" }] } }]) {
      state(channel, payload);
      assert.equal(presence.state, held);
      assert.deepEqual({ ...held }, payload);
    }
  });

  test(`what a presence throws by itself is thrown, and stops no later event (${name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    state(channel, {});
    presence.onUpdate(() => {});
    presence.onJoin((key, _current, joined) => {
      if (key !== "ada") return;
      Object.defineProperty(joined, "metas", { get: () => assert.fail("the application's own") });
    });
    assert.throws(() => diff(channel, { ada: one("1") }, {}), /the application's own/);
    const heard = [];
    presence.onJoin((key) => heard.push(key));
    diff(channel, { bob: one("2") }, {});
    assert.deepEqual(heard, ["bob"]);
  });

  test(`a destroyed presence hears nothing from a channel that binds for ever (${name})`, () => {
    const channel = new Channel();
    channel.off = undefined;
    const presence = new Presence(channel);
    presence.destroy();
    state(channel, { bob: one("2") });
    assert.equal(presence.size, 0);
  });
}
