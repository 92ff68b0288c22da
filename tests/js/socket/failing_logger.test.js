// A logger that throws is heard of, and costs no message: everything else goes on as if it had not.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Transport, clock, joinedChannel, openSocket, reply } from "../support/sockets.js";

let fails;
beforeEach(() => {
  fails = false;
});

function joined(options, ...topics) {
  const logger = () => {
    if (fails) throw new Error("the logger");
  };
  const socket = openSocket({ logger, ...options });
  return topics.map((topic) => joinedChannel(socket, topic));
}

function failing(receive) {
  fails = true;
  assert.throws(receive, /the logger/);
  fails = false;
}

test("a message that it was told of is delivered, and to nobody else", () => {
  const [a, b] = joined({}, "room:a", "room:b");
  const heard = [];
  for (const channel of [a, b]) channel.on("shout", ({ text }) => heard.push(channel.topic, text));
  failing(() => Transport.last.receive([null, null, "room:a", "shout", { text: "1" }]));
  Transport.last.receive([null, null, "room:b", "shout", { text: "2" }]);
  assert.deepEqual(heard, ["room:a", "1", "room:b", "2"]);
});

test("a push is settled by its own reply", () => {
  const [channel] = joined({}, "room:a");
  const heard = [];
  const push = channel.push("ask", {});
  push.receive("ok", (response) => heard.push("ok", response)).receive("error", () => heard.push("error"));
  failing(() => reply(push.ref, "room:a", "ok", 7, channel.joinRef()));
  Transport.last.receive([null, null, "room:a", "shout", { status: "error" }]);
  assert.deepEqual(heard, ["ok", 7]);
});

test("a join that was refused is tried again", () => {
  const [first] = joined({ rejoinAfterMs: () => 20 }, "room:a");
  const channel = first.socket.channel("room:b");
  channel.join();
  const joins = () => Transport.last.sent.filter((frame) => frame.includes("phx_join") && frame.includes("room:b"));
  failing(() => reply(channel.joinRef(), "room:b", "error"));
  clock.advance(20);
  assert.equal(joins().length, 2);
});

// The messages of what is thrown where nobody can catch it.
async function reported(run) {
  const messages = [];
  const listeners = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", ({ message }) => messages.push(message));
  try {
    run();
    await new Promise(setImmediate);
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
  return messages;
}

test("a payload that is no JSON is not taken for the next one", async () => {
  const [a, b] = joined({}, "room:a", "room:b");
  const heard = [];
  a.on("secret", () => heard.push("a"));
  b.on("secret", ({ text }) => heard.push("b", text));
  const { last } = Transport;
  const messages = await reported(() => {
    assert.throws(() => last.onmessage({ data: '[null,null,"room:a","secret",{bad}]' }), /is no JSON/);
    last.receive([null, null, "room:b", "secret", { text: "1" }]);
  });
  assert.deepEqual(heard, ["b", "1"]);
  // Once for each who wanted it.
  assert.equal(messages.filter((message) => message.includes("is no JSON")).length, messages.length);
});

test("what callbacks throw while it pushes is not thrown at it", async () => {
  let thrown = null;
  const logger = (kind, message) => {
    if (kind !== "receive" || !message.includes("shout") || thrown !== null) return;
    thrown = "nothing";
    try {
      channel.push("seen", {});
    } catch (error) {
      thrown = error.message;
    }
  };
  const [channel] = joined({ logger }, "room:a");
  channel.on("shout", () => {
    throw new Error("the application");
  });
  const messages = await reported(() => Transport.last.receive([null, null, "room:a", "shout", {}]));
  assert.equal(thrown, "nothing");
  assert.deepEqual(messages, ["the application"]);
});
