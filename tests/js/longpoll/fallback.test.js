// The option longPollFallbackMs, of npm phoenix's Socket and of ours.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as phoenix from "phoenix";

import * as herenow from "../support/package.js";
import { polling } from "../support/polling.js";
import { transports } from "../support/transport.js";

const MEMORY = "phx:fallback:LongPoll";

class Storage extends Map {
  getItem = (key) => this.get(key) ?? null;
  setItem = (key, value) => this.set(key, value);
}

// Runs a script with a socket of each kind that falls back after a second.
function both(name, script, options) {
  for (const [library, { Socket, LongPoll }] of Object.entries({ phoenix, herenow })) {
    test(`${library}: ${name}`, () =>
      polling(async (world) => {
        const sessionStorage = new Storage();
        const WebSocket = transports(undefined, 0);
        const socket = new Socket("ws://host/socket", {
          transport: WebSocket, longPollFallbackMs: 1000, sessionStorage,
          reconnectAfterMs: () => 100, ...options,
        });
        const polls = () => socket.transport === LongPoll;
        await script({ world, socket, WebSocket, sessionStorage, polls });
        socket.disconnect();
      }));
  }
}

// Answers the ping that the socket sends when it is connected.
function pong(WebSocket) {
  const frame = WebSocket.last.sent.map((text) => JSON.parse(text)).find(([, , , event]) => event === "heartbeat");
  WebSocket.last.receive([null, frame[1], "phoenix", "phx_reply", { status: "ok", response: {} }]);
}

both("a WebSocket that does not open in time is given up for long polling", async ({ world, socket, WebSocket, polls }) => {
  socket.connect();
  await world.pass(999);
  assert.equal(polls(), false);
  await world.pass(1);
  assert.equal(polls(), true);
  assert.notEqual(WebSocket.last.readyState, 1);
  await world.open();
  assert.equal(socket.isConnected(), true);
});

both("a WebSocket that fails is given up at once", async ({ world, socket, WebSocket, polls }) => {
  socket.connect();
  WebSocket.last.failed();
  assert.equal(polls(), true);
  await world.open();
  assert.equal(socket.isConnected(), true);
  assert.equal(WebSocket.made.length, 1);
});

both("a WebSocket that opens and does not answer is given up", async ({ world, socket, WebSocket, polls }) => {
  socket.connect();
  await world.pass(900);
  WebSocket.last.opened();
  await world.pass(999);
  assert.equal(polls(), false);
  await world.pass(1);
  assert.equal(polls(), true);
});

both("a WebSocket that answers is kept, and connected again", async ({ world, socket, WebSocket, polls }) => {
  socket.connect();
  WebSocket.last.opened();
  pong(WebSocket);
  await world.pass(20_000);
  WebSocket.last.failed();
  assert.equal(polls(), false);
  await world.pass(100);
  assert.equal(WebSocket.made.length, 2);
  WebSocket.last.opened();
  pong(WebSocket);
  await world.pass(20_000);
  assert.equal(polls(), false);
});

both("that only polling worked is remembered when it has", async ({ world, socket, sessionStorage }) => {
  socket.connect();
  await world.pass(1000);
  assert.equal(sessionStorage.get(MEMORY), undefined);
  await world.open();
  assert.equal(sessionStorage.get(MEMORY), "true");
});

both("nothing is remembered if a WebSocket has worked before", async ({ world, socket, WebSocket, polls, sessionStorage }) => {
  socket.connect();
  WebSocket.last.opened();
  pong(WebSocket);
  WebSocket.last.failed();
  await world.pass(100);
  WebSocket.last.failed();
  assert.equal(polls(), true);
  await world.open();
  assert.equal(socket.isConnected(), true);
  assert.equal(sessionStorage.size, 0);
});

both("what is remembered spares the WebSocket", async ({ world, socket, WebSocket, polls, sessionStorage }) => {
  sessionStorage.set(MEMORY, "true");
  socket.connect();
  assert.equal(polls(), true);
  assert.equal(WebSocket.made.length, 0);
  await world.open();
  assert.equal(socket.isConnected(), true);
});

both("after disconnecting nothing falls back", async ({ world, socket, polls }) => {
  socket.connect();
  socket.disconnect();
  await world.pass(20_000);
  assert.equal(polls(), false);
  assert.deepEqual(world.requests, []);
});

both("an application that disconnects when it hears of the error is obeyed", async ({ world, socket, WebSocket, polls }) => {
  socket.onError(() => socket.disconnect());
  socket.connect();
  WebSocket.last.failed();
  await world.pass(20_000);
  assert.equal(polls(), false);
  assert.deepEqual(world.requests, []);
});

both("a channel joins over the fallback", async ({ world, socket, WebSocket }) => {
  const joined = [];
  socket.connect();
  socket.channel("room:1").join().receive("ok", (response) => joined.push(response));
  await world.pass(1000);
  await world.open();
  const [, frame] = world.requests.find((request) => request.startsWith("POST")).split(" ").slice(1);
  const [join_ref, ref, topic, event] = JSON.parse(frame);
  assert.deepEqual([topic, event], ["room:1", "phx_join"]);
  const reply = [join_ref, ref, topic, "phx_reply", { status: "ok", response: { a: 1 } }];
  await world.answer("GET", { status: 200, token: "T", messages: [JSON.stringify(reply)] });
  assert.deepEqual(joined, [{ a: 1 }]);
});

both("without the option a WebSocket is tried for ever", async ({ world, socket, WebSocket, polls }) => {
  socket.connect();
  WebSocket.last.failed();
  await world.pass(100);
  await world.pass(100_000);
  assert.equal(polls(), false);
  assert.equal(WebSocket.made.length, 2);
}, { longPollFallbackMs: undefined });

test("storage that is forbidden only keeps the fallback from being remembered", () =>
  polling(async (world) => {
    const forbidden = () => {
      throw new DOMException("forbidden", "SecurityError");
    };
    const WebSocket = transports();
    const socket = new herenow.Socket("ws://host/socket", {
      transport: WebSocket, longPollFallbackMs: 1000,
      sessionStorage: { getItem: forbidden, setItem: forbidden },
    });
    socket.connect();
    await world.pass(1000);
    await world.open();
    assert.equal(socket.isConnected(), true);
    socket.disconnect();
  }));
