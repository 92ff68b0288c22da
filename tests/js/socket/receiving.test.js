// What a Socket has learned from one message and uses for the next: who heard it, its head, the ref of the join.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Transport, clock, newSocket, openSocket, reply } from "../support/sockets.js";

let socket;
let heard;
beforeEach(() => {
  heard = [];
  socket = openSocket({ reconnectAfterMs: () => 10, rejoinAfterMs: () => 10 });
});

function listening(topic, name = topic) {
  const channel = socket.channel(topic);
  channel.on("x", (payload) => heard.push(`${name} ${payload.n ?? payload.byteLength}`));
  return channel;
}

function joined(topic, name) {
  const channel = listening(topic, name);
  channel.join();
  replyToJoin(channel);
  return channel;
}

function replyToJoin(channel) {
  reply(channel.joinRef(), channel.topic);
}

let count = 0;
function say(topic, event = "x", joinRef = null, ref = null) {
  Transport.last.receive([joinRef, ref, topic, event, { n: ++count }]);
  return count;
}

const twice = (...args) => [say(...args), say(...args)];

// A broadcast of the bytes [0].
function binary(topic, event = "x") {
  const bytes = [2, topic.length, event.length, ...new TextEncoder().encode(topic + event), 0];
  Transport.last.receive(new Uint8Array(bytes).buffer);
}

test("all channels of a topic hear each of its messages, also one that is made later", () => {
  joined("a", "first");
  const [one, two] = twice("a");
  listening("a", "second");
  const [three, four] = twice("a");
  assert.deepEqual(heard, [
    `first ${one}`, `first ${two}`, `first ${three}`, `second ${three}`, `first ${four}`, `second ${four}`,
  ]);
});

test("messages of many topics and events, as text and as bytes, each go where they belong", () => {
  for (const topic of ["a", "b", 'c"\\', "aa"]) joined(topic);
  const expected = [];
  for (let i = 0; i < 3; i++) {
    for (const topic of ["a", "b", "a", 'c"\\', "aa", "aa", "nobody"]) {
      const n = say(topic);
      if (topic !== "nobody") expected.push(`${topic} ${n}`);
      say(topic, "y");
      binary("a");
      binary("b");
      binary("a", "y");
      expected.push("a 1", "b 1");
    }
  }
  assert.deepEqual(heard, expected);
});

test("a channel that was removed or left hears nothing of what it has heard before", () => {
  const [a, b] = [joined("a"), joined("b")];
  const before = [...twice("a"), ...twice("b")];
  socket.remove(a);
  b.leave();
  twice("a");
  twice("b");
  assert.deepEqual(heard, ["a", "a", "b", "b"].map((topic, i) => `${topic} ${before[i]}`));
});

test("a channel that comes in the place of one that has gone hears what that would have", () => {
  const first = joined("a", "first");
  const [one, two] = twice("a");
  first.leave();
  joined("a", "second");
  const [three, four] = twice("a");
  assert.deepEqual(heard, [`first ${one}`, `first ${two}`, `second ${three}`, `second ${four}`]);
});

test("what a connection brings that was replaced is not heard", () => {
  joined("a");
  twice("a");
  const old = Transport.last;
  old.failed();
  clock.advance(10);
  Transport.last.opened();
  const [, last] = twice("a");
  old.receive([null, null, "a", "x", { n: "of the old one" }]);
  assert.equal(heard.at(-1), `a ${last}`);
  assert.equal(heard.length, 4);
});

test("messages for the join in force are heard, and no others, also when there is another join", () => {
  const channel = joined("a");
  const old = channel.joinRef();
  assert.equal(channel.joinRef(), old);
  const before = twice("a", "x", old);
  say("a", "phx_error", old);
  clock.advance(10);
  const now = channel.joinRef();
  assert.notEqual(now, old);
  replyToJoin(channel);
  twice("a", "x", old);
  const after = twice("a", "x", now);
  assert.deepEqual(heard, [...before, ...after].map((n) => `a ${n}`));
});

test("the ref of a join is told of as it changes", () => {
  const channel = listening("a");
  assert.equal(channel.joinRef(), undefined);
  channel.join();
  const refs = [channel.joinRef()];
  replyToJoin(channel);
  twice("a");
  refs.push(channel.joinRef());
  Transport.last.failed();
  clock.advance(10);
  Transport.last.opened();
  refs.push(channel.joinRef());
  assert.equal(refs[0], refs[1]);
  assert.notEqual(refs[1], refs[2]);
  const [ref] = JSON.parse(Transport.last.sent.at(-1));
  assert.equal(channel.joinRef(), ref);
});

test("a callback of a message that pushes, receives, joins and leaves gets on, and those after it too", () => {
  const channel = joined("a");
  twice("a");
  channel.on("act", ({ n }) => {
    heard.push(`act ${n}`);
    channel.push("seen", {});
    say("a");
    joined("b");
    say("b");
    channel.leave();
    say("a");
  });
  channel.on("act", ({ n }) => heard.push(`after ${n}`));
  socket.onMessage(({ event }) => heard.push(`socket ${event}`));
  const before = heard.length;
  say("a", "act");
  const n = count - 3;
  assert.deepEqual(heard.slice(before), [
    `act ${n}`, `a ${n + 1}`, "socket x", "socket phx_reply", `b ${n + 2}`, "socket x", "socket x", `after ${n}`, "socket act",
  ]);
  assert.ok(Transport.last.sent.some((frame) => frame.includes('"seen"')));
});

test("a callback that throws is the transport's error each time, and keeps no others from hearing", () => {
  const channel = joined("a");
  channel.on("bad", () => {
    throw new Error("the application");
  });
  channel.on("bad", ({ n }) => heard.push(`next ${n}`));
  socket.onMessage(({ payload }) => heard.push(`socket ${payload.n}`));
  for (let i = 0; i < 3; i++) assert.throws(() => say("a", "bad"), /the application/);
  const ns = [count - 2, count - 1, count];
  assert.deepEqual(heard, ns.flatMap((n) => [`next ${n}`, `socket ${n}`]));
  const n = say("a");
  assert.deepEqual(heard.slice(-2), [`a ${n}`, `socket ${n}`]);
});

test("a logger hears of each message before the channel", () => {
  const channel = joined("a");
  socket.logger = (kind, message) => heard.push(`${kind} ${message.trim()}`);
  const [one, two] = twice("a");
  socket.logger = null;
  const [three, four] = twice("a");
  const expected = ["receive a x", `a ${one}`, "receive a x", `a ${two}`, `a ${three}`, `a ${four}`];
  assert.deepEqual(heard, expected);
  assert.equal(channel.state, "joined");
});

test("two sockets of the same topics and heads are told apart", () => {
  joined("a");
  const transport = Transport.last;
  twice("a");
  const other = newSocket();
  other.connect();
  Transport.last.opened();
  other.channel("nobody");
  const channel = other.channel("a");
  channel.on("x", ({ n }) => heard.push(`other ${n}`));
  const [three, four] = twice("a");
  transport.receive([null, null, "a", "x", { n: 0 }]);
  assert.deepEqual(heard.slice(2), [`other ${three}`, `other ${four}`, "a 0"]);
});
