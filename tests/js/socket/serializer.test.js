// The Serializer of npm phoenix and ours, and sockets with a serializer of the application's.

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
import * as phoenix from "phoenix";

import * as herenow from "../support/package.js";
import { Serializer, Socket } from "../support/package.js";
import { transports } from "../support/transport.js";

const identity = (value) => value;
const bytes = (buffer) => [...new Uint8Array(buffer)];

const ref = fc.option(fc.nat().map(String));
const name = fc.string({ unit: "binary", maxLength: 60 });
const parts = { join_ref: ref, ref, topic: name, event: name };

test("texts are encoded and decoded as phoenix.js does", () => {
  fc.assert(
    fc.property(fc.record({ ...parts, payload: fc.object() }), (message) => {
      const frame = Serializer.encode(message, identity);
      assert.equal(frame, phoenix.Serializer.encode(message, identity));
      assert.deepEqual(Serializer.decode(frame, identity), phoenix.Serializer.decode(frame, identity));
    }),
  );
});

test("bytes are encoded as phoenix.js does", () => {
  const some = fc.nat().map(String);
  const data = fc.uint8Array().map((array) => array.slice().buffer);
  fc.assert(
    fc.property(fc.record({ ...parts, join_ref: some, ref: some, payload: data }), (message) => {
      assert.deepEqual(
        bytes(Serializer.encode(message, identity)),
        bytes(phoenix.Serializer.encode(message, identity)),
      );
    }),
  );
});

test("bytes are decoded as phoenix.js does", () => {
  for (const kind of ["\0\x01\x03\x02" + "1" + "top" + "ev", "\x01\x01\x01\x03\x02" + "12" + "top" + "ok", "\x02\x03\x02" + "top" + "ev"]) {
    const frame = new TextEncoder().encode(`${kind}data`).buffer;
    const ours = Serializer.decode(frame, identity);
    assert.deepEqual(ours, phoenix.Serializer.decode(frame, identity));
    assert.deepEqual(bytes(ours.payload.response ?? ours.payload), bytes(new TextEncoder().encode("data")));
  }
});

test("bytes that are no frame are refused", () => {
  for (const list of [[], [9], [2, 200, 1]]) {
    assert.throws(() => Serializer.decode(new Uint8Array(list).buffer, identity), /no binary frame/);
  }
});

test("a name that is too long for a binary frame is named", () => {
  const message = { join_ref: "1", ref: "2", topic: "t".repeat(256), event: "e", payload: new ArrayBuffer(1) };
  assert.throws(() => Serializer.encode(message, identity), /topic of at most 255 bytes, and this has 256/);
});

// Frames as objects of the first protocol version, each reversed. Only text, for all to see.
const reversed = (text) => [...text].reverse().join("");
const ofTheApplication = {
  encode: (message, callback) => callback(reversed(JSON.stringify(message))),
  decode: (frame, callback) => callback(JSON.parse(reversed(frame))),
};

for (const [library, { Socket }] of Object.entries({ phoenix, herenow })) {
  test(`${library}: a socket writes and reads frames with the functions that it is given`, () => {
    const Transport = transports();
    const socket = new Socket("ws://host/socket", { transport: Transport, ...ofTheApplication });
    const told = [];
    socket.onMessage(({ event, payload }) => told.push([event, payload]));
    socket.connect();
    Transport.last.opened();
    const channel = socket.channel("room:1", { a: 1 });
    channel.on("shout", (payload) => told.push(payload));
    channel.join().receive("ok", (response) => told.push(response));
    const join = JSON.parse(reversed(Transport.last.sent[0]));
    assert.deepEqual([join.topic, join.event, join.payload], ["room:1", "phx_join", { a: 1 }]);
    const receive = (message) => Transport.last.receive(reversed(JSON.stringify(message)));
    receive({ ...join, event: "phx_reply", payload: { status: "ok", response: { b: 2 } } });
    receive({ topic: "room:1", event: "shout", payload: { c: 3 } });
    assert.equal(channel.state, "joined");
    assert.deepEqual(told, [
      { b: 2 }, ["phx_reply", { status: "ok", response: { b: 2 } }], { c: 3 }, ["shout", { c: 3 }],
    ]);
    socket.disconnect();
  });

  test(`${library}: over long polling the frames are the protocol's`, () => {
    const { LongPoll } = { phoenix, herenow }[library];
    const socket = new Socket("ws://host/socket", { transport: LongPoll, ...ofTheApplication });
    assert.notEqual(socket.encode, ofTheApplication.encode);
    assert.notEqual(socket.decode, ofTheApplication.decode);
  });
}

test("Presence works with payloads that the application decodes", () => {
  const Transport = transports();
  const socket = new Socket("ws://host/socket", { transport: Transport, ...ofTheApplication });
  socket.connect();
  Transport.last.opened();
  const channel = socket.channel("room:1");
  const presence = new herenow.Presence(channel);
  channel.join();
  const join = JSON.parse(reversed(Transport.last.sent[0]));
  const receive = (message) => Transport.last.receive(reversed(JSON.stringify(message)));
  receive({ ...join, event: "phx_reply", payload: { status: "ok", response: {} } });
  receive({ topic: "room:1", event: "presence_state", payload: { ann: { metas: [{ phx_ref: "1" }] } } });
  assert.deepEqual(presence.list((key) => key), ["ann"]);
  socket.disconnect();
});

test("a frame that is encoded later goes to the connection that it was for", async () => {
  const Transport = transports();
  const encode = async (message, callback) => callback(JSON.stringify(await message));
  const socket = new Socket("ws://host/socket", { transport: Transport, encode });
  socket.connect();
  Transport.last.opened();
  socket.push({ topic: "t", event: "e", payload: {} });
  socket.disconnect();
  socket.connect();
  await null;
  assert.deepEqual(Transport.made.map(({ sent }) => sent.length), [1, 0]);
  socket.disconnect();
});

test("a frame that is decoded after the connection was replaced is dropped", () => {
  const Transport = transports();
  const later = [];
  const decode = (frame, callback) => later.push(() => callback(JSON.parse(frame)));
  const socket = new Socket("ws://host/socket", { transport: Transport, decode });
  const heard = [];
  socket.onMessage(({ topic }) => heard.push(topic));
  socket.connect();
  Transport.last.opened();
  Transport.last.receive({ topic: "late", event: "e", payload: {} });
  socket.disconnect();
  socket.connect();
  Transport.last.opened();
  Transport.last.receive({ topic: "in time", event: "e", payload: {} });
  for (const run of later) run();
  assert.deepEqual(heard, ["in time"]);
  socket.disconnect();
});

test("what an application's decoder makes of a frame must be a message", () => {
  const Transport = transports();
  const socket = new Socket("ws://host/socket", { transport: Transport, decode: (frame, callback) => callback({}) });
  socket.connect();
  Transport.last.opened();
  assert.throws(() => Transport.last.receive("?"), /no message: what decode returned/);
  socket.disconnect();
});
