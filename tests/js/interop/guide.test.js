// The page of the guide to Phoenix Presence, whoever wrote the client.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { CLIENTS, Device, answer } from "../support/clients.js";
import { startServer } from "../support/server.js";
import { until } from "../support/wait.js";

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

let rooms = 0;
const newRoom = () => `guide-${++rooms}`;

for (const pair of CLIENTS) {
  test(`${pair.client}: the page shows every user with the number of their devices`, async () => {
    const room = newRoom();
    const alice = new Device(pair, server, "Alice", { room });
    await until("Alice sees herself", () => alice.shows("Alice (count: 1)"));
    const phone = new Device(pair, server, "Alice", { room });
    const bob = new Device(pair, server, "Bob", { room });
    for (const device of [alice, phone, bob]) {
      await until("all see all", () => device.shows("Alice (count: 2)", "Bob (count: 1)"));
    }

    await phone.close();
    for (const device of [alice, bob]) {
      await until("the count falls", () => device.shows("Alice (count: 1)", "Bob (count: 1)"));
    }
    await alice.close();
    await until("Alice is gone", () => bob.shows("Bob (count: 1)"));
    await bob.close();
  });

  test(`${pair.client}: a user who leaves the channel leaves the list, and may come back`, async () => {
    const room = newRoom();
    const alice = new Device(pair, server, "Alice", { room });
    const bob = new Device(pair, server, "Bob", { room });
    await until("both are there", () => alice.shows("Alice (count: 1)", "Bob (count: 1)"));

    bob.channel.leave();
    await until("Bob left", () => alice.shows("Alice (count: 1)"));

    const again = bob.socket.channel(`room:${room}`, {});
    assert.equal((await answer(again.join())).status, "ok");
    await until("Bob is back", () => alice.shows("Alice (count: 1)", "Bob (count: 1)"));
    await Promise.all([alice.close(), bob.close()]);
  });

  test(`${pair.client}: join params and updates are the meta that others see`, async () => {
    const room = newRoom();
    const watcher = new Device(pair, server, "Watcher", { room });
    const alice = new Device(pair, server, "Alice", { room, params: { meta: { device: "laptop" } } });
    const [first] = await until("Alice is there", () => watcher.metas("Alice"));
    assert.equal(first.device, "laptop");
    assert.match(first.online_at, /^\d{10}$/);
    assert.match(first.phx_ref, /./);

    const update = { device: "laptop", status: "away", phx_ref: "forged" };
    assert.equal((await answer(alice.channel.push("update", update))).status, "ok");
    const [second] = await until("Alice is away", () => {
      const metas = watcher.metas("Alice");
      return metas.length === 1 && metas[0].status === "away" && metas;
    });
    assert.notEqual(second.phx_ref, first.phx_ref);
    assert.notEqual(second.phx_ref, "forged");
    assert.equal(second.phx_ref_prev, first.phx_ref);
    assert.equal(second.online_at, undefined, "an update replaces the whole meta");
    await Promise.all([watcher.close(), alice.close()]);
  });

  test(`${pair.client}: onJoin and onLeave tell who came, changed and left`, async () => {
    const room = newRoom();
    const told = [];
    const watcher = new Device(pair, server, "Watcher", { room });
    watcher.presence.onJoin((key, current, { metas }) =>
      key === "Bob" && told.push(["join", current?.metas.length ?? 0, metas.length]));
    watcher.presence.onLeave((key, current, { metas }) =>
      key === "Bob" && told.push(["leave", current.metas.length, metas.length]));
    await until("the watcher joined", () => watcher.shows("Watcher (count: 1)"));

    const bob = new Device(pair, server, "Bob", { room });
    await until("Bob came", () => told.length === 1);
    assert.equal((await answer(bob.channel.push("update", { status: "busy" }))).status, "ok");
    await until("Bob changed", () => told.length === 3);
    await bob.close();
    await until("Bob left", () => told.length === 4);
    assert.deepEqual(told, [["join", 0, 1], ["join", 1, 1], ["leave", 1, 1], ["leave", 0, 1]]);
    await watcher.close();
  });

  test(`${pair.client}: ping is answered with its payload, shout reaches everybody`, async () => {
    const room = newRoom();
    const alice = new Device(pair, server, "Alice", { room });
    const bob = new Device(pair, server, "Bob", { room });
    await until("both are there", () => bob.shows("Alice (count: 1)", "Bob (count: 1)"));
    const payload = { deep: [1, { "q\"": "ünï ☃ \u2028" }], n: 1e21 };
    assert.deepEqual(await answer(alice.channel.push("ping", payload)), { status: "ok", response: payload });

    const heard = [];
    for (const device of [alice, bob]) device.channel.on("shout", (shouted) => heard.push(shouted));
    alice.channel.push("shout", payload);
    await until("both heard it", () => heard.length === 2);
    assert.deepEqual(heard, [payload, payload]);
    await Promise.all([alice.close(), bob.close()]);
  });
}

test("clients of both kinds see each other alike", async () => {
  const room = newRoom();
  const devices = CLIENTS.map((pair, index) => new Device(pair, server, `user-${index % 2}`, { room }));
  for (const device of devices) {
    await until("all see two users on two devices each", () =>
      device.shows("user-0 (count: 2)", "user-1 (count: 2)"));
  }
  const metas = devices.map((device) => device.metas("user-0").map((meta) => meta.phx_ref).sort());
  for (const refs of metas) assert.deepEqual(refs, metas[0]);
  await Promise.all(devices.map((device) => device.close()));
});
