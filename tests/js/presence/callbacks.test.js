// What callbacks see, and what happens when they throw or cause further events.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Ours as Presence, PlainChannel, RawChannel } from "../support/presence.js";

const one = (ref) => ({ metas: [{ phx_ref: ref }] });
const keys = (presence) => presence.list((key) => key);
const state = (channel, value) => channel.deliver("presence_state", JSON.stringify(value));
const diff = (channel, joins, leaves) =>
  channel.deliver("presence_diff", JSON.stringify({ joins, leaves }));

for (const Channel of [PlainChannel, RawChannel]) {
  test(`the members are already whole in every callback (${Channel.name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    state(channel, { ada: one("1"), bob: one("2") });
    const seen = [];
    const look = () => seen.push([keys(presence), Object.keys(presence.state)]);
    presence.onJoin(look);
    presence.onLeave(look);
    presence.onSync(look);
    diff(channel, { eve: one("3"), fay: one("4") }, { ada: one("1") });
    const now = ["bob", "eve", "fay"];
    assert.deepEqual(seen, Array(4).fill([now, now]));
  });

  test(`an exception stops no other callback and is thrown in the end (${Channel.name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    const ran = [];
    const fail = (name) => (key) => {
      ran.push(`${name} ${key ?? ""}`);
      throw new Error(`${name} ${key ?? ""}`);
    };
    presence.onJoin(fail("join"));
    presence.onLeave(fail("leave"));
    presence.onSync(fail("sync"));
    assert.throws(() => state(channel, { ada: one("1"), bob: one("2") }), /^Error: join ada$/);
    assert.throws(() => diff(channel, {}, { ada: one("1") }), /^Error: leave ada$/);
    assert.deepEqual(ran, ["join ada", "join bob", "sync ", "leave ada", "sync "]);
    assert.deepEqual(keys(presence), ["bob"]);
  });

  test(`very many exceptions do not keep later callbacks from running (${Channel.name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    presence.onJoin((key) => {
      throw new Error(key);
    });
    let syncs = 0;
    presence.onSync(() => syncs++);
    // More than a call may have arguments.
    const everybody = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`u${i}`, one("1")]));
    assert.throws(() => state(channel, everybody), /^Error: u0$/);
    assert.throws(() => diff(channel, { eve: one("3") }, {}), /^Error: eve$/);
    assert.equal(syncs, 2);
  });

  test(`a presence that a callback destroys calls back no more (${Channel.name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    const ran = [];
    presence.onJoin((key) => {
      ran.push(key);
      diff(channel, { eve: one("3") }, {});
      presence.destroy();
    });
    presence.onChange(() => ran.push("change"));
    presence.onSync(() => ran.push("sync"));
    presence.subscribe(() => ran.push("subscriber"));
    state(channel, { ada: one("1"), bob: one("2") });
    presence.state = { fay: one("4") };
    assert.deepEqual(ran, ["ada"]);
    assert.equal(presence.size, 0);
  });

  test(`what a callback causes is reported after what caused it (${Channel.name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    const log = [];
    presence.onJoin((key) => {
      log.push(`join ${key}`);
      if (key === "ada") diff(channel, { eve: one("3") }, { bob: one("2") });
    });
    presence.onLeave((key) => log.push(`leave ${key}`));
    presence.onSync(() => log.push(`sync ${keys(presence)}`));
    state(channel, { ada: one("1"), bob: one("2") });
    assert.deepEqual(log, [
      "join ada",
      "join bob",
      "sync ada,eve",
      "join eve",
      "leave bob",
      "sync ada,eve",
    ]);
  });

  test(`callbacks set during an event count from the next one (${Channel.name})`, () => {
    const channel = new Channel();
    const presence = new Presence(channel);
    const log = [];
    presence.onJoin((key) => {
      log.push(`first ${key}`);
      presence.onJoin((key) => log.push(`second ${key}`));
    });
    state(channel, { ada: one("1"), bob: one("2") });
    diff(channel, { eve: one("3") }, {});
    assert.deepEqual(log, ["first ada", "first bob", "second eve"]);
  });
}
