// When our Socket tries again, and on which timers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Socket } from "../support/package.js";
import { Transport, clock, joinedChannel, openSocket, reply, sent } from "../support/sockets.js";

test("the delays of reconnects and rejoins are asked for, with the number of the try", () => {
  const asked = [];
  const delay = (kind) => (tries) => (asked.push([kind, tries]), 100);
  const socket = openSocket({ reconnectAfterMs: delay("connect"), rejoinAfterMs: delay("join") });
  const channel = socket.channel("room:1");
  channel.join();
  for (const _ of [1, 2]) {
    reply(channel.joinRef(), "room:1", "error");
    clock.advance(100);
  }
  for (const _ of [1, 2, 3]) {
    Transport.last.failed();
    clock.advance(100);
  }
  assert.deepEqual(asked, [
    ["join", 1],
    ["join", 2],
    ["connect", 1],
    ["connect", 2],
    ["connect", 3],
  ]);
});

test("a delay that is none is an error, and the next try comes all the same, not at once", () => {
  const fails = () => {
    throw new Error("of the application");
  };
  for (const [delay, expected] of [
    [() => undefined, /TypeError: Socket: reconnectAfterMs returned undefined, which is no time in ms/],
    [() => NaN, /reconnectAfterMs returned NaN/],
    [() => -1, /reconnectAfterMs returned -1/],
    [fails, /of the application/],
  ]) {
    openSocket({ reconnectAfterMs: delay });
    const made = Transport.made.length;
    assert.throws(() => Transport.last.closed(), (error) => expected.test(String(error)));
    clock.advance(4_999);
    assert.equal(Transport.made.length, made);
    clock.advance(1);
    assert.equal(Transport.made.length, made + 1);
  }
  const socket = openSocket({ rejoinAfterMs: () => {} });
  const channel = socket.channel("room:1");
  channel.join();
  assert.throws(() => reply(channel.joinRef(), "room:1", "error"), /rejoinAfterMs returned undefined/);
  clock.advance(5_000);
  assert.equal(channel.state, "joining");
});

test("there is one timer for everything, and none for a socket that has ended", () => {
  const socket = openSocket();
  const channel = joinedChannel(socket);
  for (let i = 0; i < 100; i++) channel.push("x", {}, 1_000 + i);
  assert.equal(clock.pending, 1);
  channel.leave();
  clock.advance(2_000);
  socket.disconnect();
  Transport.last.closed();
  assert.equal(clock.pending, 0);
});

test("timers work even where only setTimeout is faked", () => {
  performance.now = Date.now = () => 5_000;
  const socket = openSocket();
  const channel = joinedChannel(socket);
  let timeouts = 0;
  channel.push("x").receive("timeout", () => timeouts++);
  clock.advance(9_999);
  assert.equal(timeouts, 0);
  clock.advance(1);
  assert.equal(timeouts, 1);
  clock.advance(20_000);
  assert.equal(sent().at(-1)[3], "heartbeat");
});

test("a clock that runs backwards stops nothing", () => {
  const socket = openSocket();
  const channel = joinedChannel(socket);
  performance.now = () => 0;
  clock.advance(1_000);
  let timeouts = 0;
  channel.push("x").receive("timeout", () => timeouts++);
  clock.advance(10_000);
  assert.equal(timeouts, 1);
});

test("a timeout longer than timers can be is not a short one", () => {
  const channel = joinedChannel(openSocket({ heartbeatIntervalMs: 2 ** 40 }));
  let settled = false;
  channel.push("x", {}, 2 ** 33).receive("timeout", () => (settled = true));
  clock.advance(2 ** 32);
  assert.equal(settled, false);
  clock.advance(2 ** 32);
  assert.equal(settled, true);
});
