// What no client of ours would send. Each is answered as Phoenix answers it, and others go on being served.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { CLIENTS, Device, answer } from "../support/clients.js";
import { RawSocket, Refused } from "../support/raw.js";
import { startServer } from "../support/server.js";
import { until } from "../support/wait.js";

let server;
let witness;

before(async () => {
  server = await startServer({ flags: ["--max-frame-size", "64KiB"] });
  witness = new Device(CLIENTS[0], server, "Witness");
  await until("the witness is there", () => witness.shows("Witness (count: 1)"));
});

afterEach(async () => {
  assert.equal((await answer(witness.channel.push("ping", {}))).status, "ok", "others are still served");
  await until("nobody else is left", () => witness.shows("Witness (count: 1)"));
});

after(async () => {
  await witness.close();
  await server.stop();
});

const join = (ref, topic, params = {}) => [ref, ref, topic, "phx_join", params];

for (const [what, frame] of [
  ["text that is no JSON", "{"],
  ["an object for a message", { topic: "room:lobby" }],
  ["four elements", ["1", "1", "room:lobby", "phx_join"]],
  ["a topic that is a number", ["1", "1", 7, "phx_join", {}]],
  ["nesting without end", "[".repeat(30_000)],
]) {
  test(`${what}: the socket is closed with 1011`, async () => {
    const raw = await RawSocket.open(server);
    raw.send(frame);
    assert.equal(await raw.closed(), 1011);
  });
}

test("a binary frame of an unknown kind: the socket is closed with 1011", async () => {
  const raw = await RawSocket.open(server);
  raw.ws.send(Buffer.from([9, 1, 2, 3]));
  assert.equal(await raw.closed(), 1011);
});

for (const vsn of ["3.0.0", "2.1.0", "2.0", "abc"]) {
  test(`vsn ${vsn} is refused with 403`, async () => {
    const refused = await RawSocket.open(server, `vsn=${vsn}&user_id=raw`).catch((error) => error);
    assert.ok(refused instanceof Refused, String(refused));
    assert.equal(refused.status, 403);
  });
}

test("a topic that no channel serves is answered: unmatched topic", async () => {
  const raw = await RawSocket.open(server);
  const unmatched = { status: "error", response: { reason: "unmatched topic" } };
  raw.send(join("1", "attic:1"));
  assert.deepEqual(await raw.reply("1"), unmatched);
  raw.send([null, "2", "room:never-joined", "ping", {}]);
  assert.deepEqual(await raw.reply("2"), unmatched);
  raw.ws.close();
});

for (const meta of [[], "text", 7, true]) {
  test(`a meta that is ${JSON.stringify(meta)} is refused with a reason`, async () => {
    const raw = await RawSocket.open(server);
    raw.send(join("1", "room:lobby", { meta }));
    const { status, response } = await raw.reply("1");
    assert.equal(status, "error");
    assert.match(response.reason, /meta/);
    raw.ws.close();
  });
}

test("an update to something that is no object is refused, and the presence stays", async () => {
  const raw = await RawSocket.open(server);
  raw.send(join("1", "room:lobby", { meta: { kept: true } }));
  assert.equal((await raw.reply("1")).status, "ok");
  raw.send(["1", "2", "room:lobby", "update", ["no", "object"]]);
  assert.equal((await raw.reply("2")).status, "error");
  assert.equal((await until("raw is listed", () => witness.metas("raw")))[0].kept, true);
  raw.ws.close();
});

test("an event without a handler ends that channel alone", async () => {
  const raw = await RawSocket.open(server);
  raw.send(join("1", "room:lobby"));
  raw.send(join("2", "room:other"));
  assert.equal((await raw.reply("2")).status, "ok");
  raw.send(["1", "3", "room:lobby", "no_such_event", {}]);
  await raw.frame("phx_error", (frame) => frame[0] === "1" && frame[3] === "phx_error");
  raw.send(["2", "4", "room:other", "ping", { still: "here" }]);
  assert.deepEqual(await raw.reply("4"), { status: "ok", response: { still: "here" } });
  raw.ws.close();
});

test("a key of 1024 bytes is listed, a longer one is refused with a reason, a huge one with 414", async () => {
  const open = (bytes) => RawSocket.open(server, `vsn=2.0.0&user_id=${"k".repeat(bytes)}`);

  const long = await open(1024);
  long.send(join("1", "room:lobby"));
  assert.equal((await long.reply("1")).status, "ok");
  await until("it is listed", () => witness.metas("k".repeat(1024)));
  long.ws.close();

  const longer = await open(1025);
  longer.send(join("1", "room:lobby"));
  const { status, response } = await longer.reply("1");
  assert.equal(status, "error");
  assert.match(response.reason, /key/);
  longer.ws.close();

  await assert.rejects(open(100_000), (error) => error instanceof Refused && error.status === 414);
});

test("keys that are names of JavaScript's own are keys like others", async () => {
  for (const pair of CLIENTS.slice(0, 3)) {
    for (const key of ["__proto__", "constructor", "hasOwnProperty", "toString"]) {
      const device = new Device(pair, server, key, { room: `own-${key}-${pair.client}` });
      await until(`${pair.client} lists ${key}`, () => device.shows(`${key} (count: 1)`));
      await device.close();
    }
  }
});

test("a message beyond --max-frame-size closes the socket with 1009", async () => {
  const raw = await RawSocket.open(server);
  raw.send(join("1", "room:lobby", { meta: { blob: "x".repeat(200_000) } }));
  assert.equal(await raw.closed(), 1009);
});

test("a hundred sockets that break off in the middle leave nobody listed", async () => {
  const sockets = await Promise.all(Array.from({ length: 100 }, (_, index) =>
    RawSocket.open(server, `vsn=2.0.0&user_id=flighty-${index}`)));
  for (const raw of sockets) raw.send(join("1", "room:lobby"));
  await until("all are listed", () => witness.lines.length === 101);
  for (const raw of sockets) raw.ws.terminate();
});
