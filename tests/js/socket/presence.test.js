// Our Presence on our Channel, which hands it the text of a payload. Whatever comes between must not make it
// read something else.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import { Clock } from "../support/clock.js";
import { LongPoll, Presence, Socket } from "../support/package.js";
import { polling } from "../support/polling.js";
import { transports } from "../support/transport.js";

const metas = (...refs) => ({ metas: refs.map((phx_ref) => ({ phx_ref })) });

// A large room.
const names = Array.from({ length: 1_000 }, (_, i) => `größe ${i} 😀`);
const crowd = (...more) => Object.fromEntries([...names, ...more].map((name) => [name, metas(name)]));

let clock;
let Transport;
let transport;
let channel;

beforeEach(() => {
  clock = new Clock().install();
  Transport = transports();
  const socket = new Socket("ws://host/socket", { transport: Transport });
  socket.connect();
  transport = Transport.last;
  transport.opened();
  channel = socket.channel("room:1");
  channel.join();
  const ref = channel.joinRef();
  const payload = { status: "ok", response: {} };
  transport.receive([ref, ref, "room:1", "phx_reply", payload]);
});
afterEach(() => clock.uninstall());

const receive = (event, payload) => transport.receive([null, null, "room:1", event, payload]);
const keys = (presence) => presence.list((key) => key).sort();

test("frames that come within the callbacks of another do not get into its way", () => {
  const [first, second] = [new Presence(channel), new Presence(channel)];
  let nested = 0;
  const nest = () => {
    if (nested++ > 0) return;
    receive("noise", { text: "ü".repeat(1_000) });
    receive("presence_diff", { joins: { eve: metas("3") }, leaves: {} });
  };
  channel.on("presence_state", nest);
  const third = new Presence(channel);
  third.onSync(nest);
  const fourth = new Presence(channel);
  receive("presence_state", { ada: metas("1"), bob: metas("2") });
  for (const presence of [first, second]) assert.deepEqual(keys(presence), ["ada", "bob", "eve"]);
  // To these the diff came before the state, so it waited for it.
  for (const presence of [third, fourth]) assert.deepEqual(keys(presence), ["ada", "bob", "eve"]);
});

test("a Presence gets what onMessage makes of a payload", () => {
  const presence = new Presence(channel);
  channel.onMessage = (event, payload) =>
    event === "presence_state" ? { ...payload, added: metas("9") } : payload;
  receive("presence_state", { ada: metas("1") });
  assert.deepEqual(keys(presence), ["ada", "added"]);
});

test("a Presence gets what is triggered", () => {
  const presence = new Presence(channel);
  channel.trigger("presence_state", { ada: metas("1") });
  assert.deepEqual(keys(presence), ["ada"]);
});

test("a destroyed Presence leaves nothing bound to the channel", () => {
  const presence = new Presence(channel);
  receive("presence_state", { ada: metas("1") });
  presence.destroy();
  const { parse } = JSON;
  JSON.parse = () => assert.fail("somebody listens");
  try {
    receive("presence_state", { bob: metas("2") });
    receive("presence_diff", { joins: {}, leaves: {} });
  } finally {
    JSON.parse = parse;
  }
});

test("a Presence keeps its members over a reconnect, until the new state comes", () => {
  const presence = new Presence(channel);
  receive("presence_state", { ada: metas("1") });
  transport.failed();
  clock.advance(10);
  transport = Transport.last;
  transport.opened();
  assert.deepEqual(keys(presence), ["ada"]);
  assert.equal(presence.inPendingSyncState(), true);
  receive("presence_diff", { joins: { eve: metas("3") }, leaves: {} });
  assert.deepEqual(keys(presence), ["ada"]);
  receive("presence_state", { bob: metas("2") });
  assert.deepEqual(keys(presence), ["bob", "eve"]);
});

// Whoever was there keeps the object.
function takesInACrowd(presence, deliver) {
  deliver("presence_state", crowd());
  const before = presence.list();
  assert.deepEqual(keys(presence), names.toSorted());
  deliver("presence_state", crowd("eve"));
  assert.deepEqual(keys(presence), [...names, "eve"].sort());
  assert.ok(before.every((entry, i) => presence.list()[i] === entry));
  assert.deepEqual(presence.get(names[7]), metas(names[7]));
}

test("a Presence takes in large states", () => takesInACrowd(new Presence(channel), receive));

test("a Presence takes in large states that somebody has looked at before", () => {
  const presence = new Presence(channel);
  channel.onMessage = (_event, payload) => payload;
  takesInACrowd(presence, receive);
  delete channel.onMessage;
  channel.on("presence_state", (payload) => assert.ok(Object.keys(payload).length >= names.length));
  takesInACrowd(new Presence(channel), receive);
});

test("a Presence takes in large states over long poll", () =>
  polling(async (world) => {
    const socket = new Socket("ws://host/socket", { transport: LongPoll });
    const channel = socket.channel("room:1");
    const presence = new Presence(channel);
    channel.join();
    socket.connect();
    await world.open();
    const ref = channel.joinRef();
    const deliver = async (event, payload, ...refs) => {
      const [joinRef = null, messageRef = null] = refs;
      const messages = [JSON.stringify([joinRef, messageRef, "room:1", event, payload])];
      await world.answer("GET", { status: 200, token: "T", messages });
    };
    await deliver("phx_reply", { status: "ok", response: {} }, ref, ref);
    await deliver("presence_state", crowd());
    const before = presence.list();
    await deliver("presence_state", crowd("eve"));
    assert.deepEqual(keys(presence), [...names, "eve"].sort());
    assert.ok(before.every((entry, i) => presence.list()[i] === entry));
    socket.disconnect();
    await world.pass();
  }));
