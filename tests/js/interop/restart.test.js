// A server that dies and comes back: clients come back by themselves, and their lists tell the truth.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CLIENTS, Device, answer } from "../support/clients.js";
import { startServer } from "../support/server.js";
import { until } from "../support/wait.js";

for (const pair of CLIENTS) {
  test(`${pair.client}: after a restart of the server all are listed again`, async () => {
    const server = await startServer();
    const alice = new Device(pair, server, "Alice");
    const bob = new Device(pair, server, "Bob", { params: { meta: { device: "phone" } } });
    const gone = new Device(pair, server, "Gone");
    const everybody = ["Alice (count: 1)", "Bob (count: 1)", "Gone (count: 1)"];
    for (const device of [alice, bob, gone]) await until("all see all", () => device.shows(...everybody));
    const before = alice.metas("Bob")[0].phx_ref;

    await server.kill();
    await gone.close();
    assert.ok(alice.shows(...everybody), "the last list stays while there is no server");
    await server.start();

    for (const device of [alice, bob]) {
      await until("who came back is listed, who did not is not", () =>
        device.shows("Alice (count: 1)", "Bob (count: 1)"));
    }
    await until("Bob's presence is a new one", () => alice.metas("Bob")[0].phx_ref !== before);
    assert.equal(alice.metas("Bob")[0].device, "phone");
    assert.equal((await answer(bob.channel.push("ping", {}))).status, "ok");
    await Promise.all([alice.close(), bob.close()]);
    await server.stop();
  });

  test(`${pair.client}: an orderly stop is followed by a reconnect too`, async () => {
    const server = await startServer();
    const alice = new Device(pair, server, "Alice");
    await until("Alice is there", () => alice.shows("Alice (count: 1)"));
    const before = alice.metas("Alice")[0].phx_ref;
    await server.stop();
    await server.start();
    await until("Alice is there again", () => alice.metas("Alice")[0].phx_ref !== before);
    assert.ok(alice.shows("Alice (count: 1)"));
    await alice.close();
    await server.stop();
  });
}

test("what is pushed while there is no server is sent when it is back", async () => {
  for (const pair of CLIENTS.slice(0, 2)) {
    const server = await startServer();
    const alice = new Device(pair, server, "Alice");
    await until("Alice is there", () => alice.shows("Alice (count: 1)"));
    await server.kill();
    await until("the loss is noticed", () => !alice.socket.isConnected());
    const pushed = answer(alice.channel.push("ping", { late: true }));
    await server.start();
    assert.deepEqual(await pushed, { status: "ok", response: { late: true } }, pair.client);
    await alice.close();
    await server.stop();
  }
});
