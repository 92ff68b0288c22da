// Our Socket, Channel and Push where a comparison with npm phoenix would not show it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Channel, LongPoll, Presence, Push, Socket } from "../support/package.js";
import { Transport, clock, joinedChannel, newSocket, openSocket, reply, sent } from "../support/sockets.js";
import { transports } from "../support/transport.js";

test("the classes are what the socket makes", () => {
  const channel = newSocket().channel("room:1");
  assert.ok(channel instanceof Channel);
  assert.ok(channel.join() instanceof Push);
  assert.ok(channel.push("x", {}) instanceof Push);
});

test("receive can be chained, and calls at once what has come already", () => {
  const channel = joinedChannel(openSocket());
  const heard = [];
  const push = channel.push("x");
  reply(push.ref, "room:1", "ok", 7, channel.joinRef());
  const chained = push
    .receive("ok", (response) => heard.push(["ok", response]))
    .receive("error", () => heard.push(["error"]));
  assert.equal(chained, push);
  assert.deepEqual(heard, [["ok", 7]]);
});

test("leaving is answered at once, whenever one asks", () => {
  const channel = joinedChannel(openSocket());
  const heard = [];
  channel.onClose((reason) => heard.push(reason));
  channel.leave().receive("ok", () => heard.push("ok"));
  channel.leave().receive("ok", () => heard.push("ok"));
  assert.deepEqual(heard, ["leave", "ok", "ok"]);
  assert.ok(channel.isClosed() && !channel.isLeaving());
  assert.equal(sent().filter(([, , , event]) => event === "phx_leave").length, 1);
});

test("a channel that was left before it was joined says so when it is joined", () => {
  const channel = openSocket().channel("room:1");
  channel.leave();
  assert.throws(() => channel.join(), /'room:1' was left before it was joined: make another channel/);
});

test("params may be a function, which is asked for every join", () => {
  let asked = 0;
  const socket = openSocket();
  const channel = socket.channel("room:1", () => ({ asked: ++asked }));
  channel.join();
  Transport.last.failed();
  clock.advance(10);
  Transport.last.opened();
  assert.deepEqual(sent().at(-1).at(-1), { asked: 2 });
});

test("connection params may be a function, which is asked for every connection", () => {
  let asked = 0;
  openSocket({ params: () => ({ token: ++asked }) });
  Transport.last.failed();
  clock.advance(10);
  const urls = Transport.made.map(({ url }) => url);
  assert.deepEqual(urls, [
    "ws://host/socket/websocket?token=1&vsn=2.0.0",
    "ws://host/socket/websocket?token=2&vsn=2.0.0",
  ]);
});

test("a token goes as a subprotocol, unpadded", () => {
  openSocket({ authToken: "token" });
  assert.deepEqual(Transport.last.protocols, ["phoenix", "base64url.bearer.phx.dG9rZW4"]);
  openSocket({ authToken: () => "1234" });
  assert.deepEqual(Transport.last.protocols, ["phoenix", "base64url.bearer.phx.MTIzNA"]);
});

test("a payload is not parsed if nobody listens, and once if many do", () => {
  const channel = joinedChannel(openSocket());
  const payloads = [];
  for (const _ of [1, 2]) channel.on("heard", (payload) => payloads.push(payload));
  let parsed = 0;
  const { parse } = JSON;
  JSON.parse = (...args) => (parsed++, parse(...args));
  try {
    Transport.last.receive('[null,null,"room:1","unheard",{"a":1}]');
    assert.equal(parsed, 0);
    Transport.last.receive('[null,null,"room:1","heard",{"a":1}]');
  } finally {
    JSON.parse = parse;
  }
  assert.equal(parsed, 1);
  assert.deepEqual(payloads, [{ a: 1 }, { a: 1 }]);
  assert.equal(payloads[0], payloads[1]);
});

test("what is not ASCII arrives as it was sent", () => {
  const socket = openSocket();
  const topic = "zimmer:größe 😀";
  const channel = joinedChannel(socket, topic);
  const heard = [];
  channel.on("grüße", (payload, ref, joinRef) => heard.push([payload, ref, joinRef]));
  channel.on("bye\n", (payload) => heard.push(payload));
  const text = "ä€😀".repeat(50);
  const message = [channel.joinRef(), "réf", topic, "grüße", { text }];
  Transport.last.receive(JSON.stringify([...message, "€€€"]));
  Transport.last.receive([null, null, topic, "bye\n", text]);
  assert.deepEqual(heard, [[{ text }, "réf", channel.joinRef()], text]);
  const response = { text };
  channel.push("x").receive("ü", (answer) => heard.push(answer));
  reply(sent().at(-1)[1], topic, "ü", response, channel.joinRef());
  assert.deepEqual(heard.at(-1), response);
});

test("what is no message is an error, and the next frame is read as ever", () => {
  const channel = joinedChannel(openSocket());
  const heard = [];
  channel.on("x", () => heard.push("x"));
  assert.throws(() => Transport.last.receive('{"not":"a message"}'), /no message.*not/);
  for (const text of ["", "none", "[", '[null,null,"room:1","x\n",{}]']) {
    assert.throws(() => Transport.last.receive(text), /no message/, text);
  }
  assert.throws(() => Transport.last.receive(new ArrayBuffer(0)), /no message: a binary frame/);
  Transport.last.receive([null, null, "room:1", "x", {}]);
  assert.deepEqual(heard, ["x"]);
});

test("a payload that is no JSON is an error that names the message, for whoever reads it", () => {
  const channel = joinedChannel(openSocket());
  const heard = [];
  channel.on("x", () => heard.push("x"));
  new Presence(channel);
  const broken = (event) => `[null,null,"room:1","${event}",{"a":]`;
  for (const event of ["x", "presence_state"]) {
    const expected = { name: "SyntaxError", message: `Socket: the payload of '${event}' on 'room:1' is no JSON: "{\\"a\\":"` };
    assert.throws(() => Transport.last.receive(broken(event)), expected);
  }
  assert.throws(() => Transport.last.receive('[null,null,"room:1","x",{}}'), { name: "SyntaxError" });
  Transport.last.receive(broken("unheard"));
  Transport.last.receive([null, null, "room:1", "x", {}]);
  assert.deepEqual(heard, ["x"]);
});

test("binary frames may be views of a buffer", () => {
  const channel = joinedChannel(openSocket());
  const heard = [];
  channel.on("x", (payload) => heard.push([...new Uint8Array(payload)]));
  const frame = [2, 6, 1, ...new TextEncoder().encode("room:1x"), 8, 9];
  const view = new Uint8Array([255, ...frame, 255]).subarray(1, -1);
  Transport.last.onmessage({ data: view });
  assert.deepEqual(heard, [[8, 9]]);
});

test("a binary push whose topic is too long says which part it is", () => {
  const channel = joinedChannel(openSocket(), "t".repeat(256));
  assert.throws(() => channel.push("x", new ArrayBuffer(1)), /topic of at most 255 bytes.*256/);
  assert.throws(
    () => joinedChannel(openSocket()).push("é".repeat(128), new ArrayBuffer(1)),
    /event of at most 255 bytes.*256/,
  );
});

test("where there is no TextEncoder or TextDecoder, as in jsdom, binary payloads are refused and name it", () => {
  const channel = joinedChannel(openSocket());
  const { TextEncoder, TextDecoder } = globalThis;
  Object.assign(globalThis, { TextEncoder: undefined, TextDecoder: undefined });
  try {
    assert.throws(() => channel.push("x", new ArrayBuffer(1)), /^Error: binary payloads need TextEncoder, which/);
    const frame = new Uint8Array([2, 6, 1, ...Buffer.from("room:1x"), 8]);
    assert.throws(() => Transport.last.onmessage({ data: frame.buffer }), /^Error: binary payloads need TextDecoder, which/);
    channel.push("y", { text: "goes as ever" });
    assert.equal(sent().at(-1)[3], "y");
  } finally {
    Object.assign(globalThis, { TextEncoder, TextDecoder });
  }
});

test("a callback that throws does not keep others from what is theirs", () => {
  const socket = openSocket();
  const [first, second] = [joinedChannel(socket, "a"), joinedChannel(socket, "b")];
  const heard = [];
  first.onError(() => {
    throw new Error("first");
  });
  second.onError(() => heard.push("second"));
  socket.onClose(() => heard.push("closed"));
  assert.throws(() => Transport.last.closed(), /first/);
  assert.deepEqual(heard, ["second", "closed"]);
  clock.advance(10);
  assert.equal(Transport.made.length, 2, "and the socket goes on");
});

test("a callback that throws does not keep others of the same event from being called", () => {
  const socket = openSocket();
  const channel = joinedChannel(socket);
  const heard = [];
  const fails = (name) => () => {
    heard.push(name);
    throw new Error(name);
  };
  channel.on("shout", fails("shout 1"));
  channel.on("shout", () => heard.push("shout 2"));
  socket.onMessage(() => heard.push("message"));
  const shout = [null, null, "room:1", "shout", {}];
  assert.throws(() => Transport.last.receive(shout), /shout 1/);
  const push = channel.push("ask");
  push.receive("ok", fails("ok 1")).receive("ok", () => heard.push("ok 2"));
  channel.on("phx_reply", () => heard.push("reply"));
  assert.throws(() => reply(push.ref, "room:1", "ok", {}, channel.joinRef()), /ok 1/);
  socket.onClose(fails("close 1"));
  socket.onClose(() => heard.push("close 2"));
  assert.throws(() => Transport.last.closed(), /close 1/);
  assert.deepEqual(heard, [
    "shout 1", "shout 2", "message", "ok 1", "ok 2", "reply", "message", "close 1", "close 2",
  ]);
});

test("of many callbacks that throw the first error is thrown, and the others are reported", async () => {
  const channel = joinedChannel(openSocket());
  const many = 1_000;
  for (let i = 0; i < many; i++) {
    channel.on("shout", () => {
      throw new Error(`callback ${i}`);
    });
  }
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const reported = [];
  process.on("uncaughtException", ({ message }) => reported.push(message));
  try {
    assert.throws(() => Transport.last.receive([null, null, "room:1", "shout", {}]), /callback 0$/);
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
  assert.deepEqual(reported, Array.from({ length: many - 1 }, (_, i) => `callback ${i + 1}`));
});

test("a transport that delivers while it is being written to is heard", () => {
  const socket = openSocket();
  const channel = joinedChannel(socket);
  const heard = [];
  channel.on("echo", ({ n }) => {
    heard.push(`begin ${n}`);
    if (n < 3) channel.push("again", { n: n + 1 });
    heard.push(`end ${n}`);
  });
  channel.on("echo", ({ n }) => heard.push(`second ${n}`));
  Transport.last.send = (text) => {
    const payload = JSON.parse(text).at(-1);
    Transport.last.receive([null, null, "room:1", "echo", payload]);
  };
  channel.push("again", { n: 1 });
  assert.deepEqual(heard, [
    "begin 1",
    "begin 2",
    "begin 3",
    "end 3",
    "second 3",
    "end 2",
    "second 2",
    "end 1",
    "second 1",
  ]);
});

test("a transport that cannot be made is the caller's error, and is not tried again", () => {
  const socket = newSocket({
    transport: class {
      constructor() {
        throw new SyntaxError("bad address");
      }
    },
  });
  assert.throws(() => socket.connect(), /bad address/);
  clock.advance(100_000);
  assert.equal(socket.connectionState(), "closed");
  assert.throws(() => socket.connect(), /bad address/);
});

test("where there is no WebSocket, a socket polls", () => {
  const { WebSocket } = globalThis;
  delete globalThis.WebSocket;
  try {
    assert.equal(new Socket("ws://host/socket").transport, LongPoll);
  } finally {
    if (WebSocket) globalThis.WebSocket = WebSocket;
  }
});

test("a transport that needs no heartbeats gets none", () => {
  class LongPollLike extends Transport {
    skipHeartbeat = true;
  }
  const socket = newSocket({ transport: LongPollLike });
  socket.connect();
  Transport.last.opened();
  clock.advance(1_000_000);
  assert.deepEqual(Transport.last.sent, []);
});

test("a replaced transport is used from the next connect on", () => {
  const socket = openSocket();
  joinedChannel(socket);
  const Other = transports();
  socket.replaceTransport(Other);
  socket.connect();
  Other.last.opened();
  assert.equal(JSON.parse(Other.last.sent[0])[3], "phx_join");
  assert.equal(Transport.last.readyState, 2);
});

test("a logger hears what is sent and received", () => {
  const lines = [];
  const socket = openSocket({ logger: (kind, msg) => lines.push(`${kind}: ${msg}`) });
  assert.ok(socket.hasLogger());
  const channel = joinedChannel(socket);
  channel.leave();
  Transport.last.failed();
  const ref = sent()[0][1];
  assert.deepEqual(lines, [
    "transport: connected to ws://host/socket/websocket?vsn=2.0.0",
    `push: room:1 phx_join (${ref}, ${ref})`,
    `receive: ok room:1 phx_reply (${ref})`,
    `push: room:1 phx_leave (${ref}, ${Number(ref) + 1})`,
    `channel: close room:1 ${ref}`,
    "transport: error",
    "transport: close",
  ]);
  assert.equal(newSocket().hasLogger(), false);
});

test("error callbacks learn the transport and how many connections there were", () => {
  const socket = openSocket();
  const heard = [];
  socket.onError((...args) => heard.push(args));
  Transport.last.failed();
  assert.deepEqual(heard, [[{ type: "error" }, Transport, 1]]);
});

test("channels lists those that have not ended, and remove forgets one", () => {
  const socket = openSocket();
  const [joined, unused] = [joinedChannel(socket), socket.channel("room:2")];
  assert.deepEqual(socket.channels, [joined, unused]);
  socket.remove(unused);
  joined.leave();
  assert.deepEqual(socket.channels, []);
  Transport.last.receive([null, null, "room:2", "x", {}]);
});

test("a topic is heard as long as one of its channels is there, and anew when it comes back", () => {
  const socket = openSocket();
  const heard = [];
  const shout = () => Transport.last.receive([null, null, "room:1", "shout", {}]);
  const listening = (name) => {
    const channel = joinedChannel(socket);
    channel.on("shout", () => heard.push(name));
    return channel;
  };
  const unused = socket.channel("room:1");
  const first = listening("first");
  for (const _ of [1, 2]) socket.remove(unused);
  shout();
  first.leave();
  first.leave();
  shout();
  listening("second");
  shout();
  assert.deepEqual(heard, ["first", "second"]);
});

test("messages of no channel wait for the connection", () => {
  const socket = newSocket();
  socket.push({ topic: "t", event: "e", payload: { a: 1 }, ref: "r", join_ref: null });
  socket.connect();
  Transport.last.opened();
  assert.deepEqual(sent(), [[null, "r", "t", "e", { a: 1 }]]);
});

test("two sockets do not mix up their frames", () => {
  const [first, second] = [openSocket(), openSocket()];
  const [a, b] = Transport.made;
  const heard = [];
  const join = (socket, transport, name) => {
    const channel = socket.channel("room:1");
    channel.join();
    const ref = channel.joinRef();
    const payload = { status: "ok", response: {} };
    transport.receive([ref, ref, "room:1", "phx_reply", payload]);
    channel.on("x", (payload) => heard.push([name, payload]));
    return channel;
  };
  join(first, a, "first");
  join(second, b, "second").on("x", () => a.receive([null, null, "room:1", "x", "nested"]));
  b.receive([null, null, "room:1", "x", "outer"]);
  assert.deepEqual(heard, [
    ["second", "outer"],
    ["first", "nested"],
  ]);
});
