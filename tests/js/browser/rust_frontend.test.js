// The example of a frontend in Rust, client-wasm/examples/room, as cargo xtask builds it: with pages of its own
// kind, with JavaScript clients, and with a server that dies.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { launch, withTabs } from "../support/browser.js";
import { CLIENTS, Device } from "../support/clients.js";
import { FRONTEND, startServer } from "../support/server.js";
import { until } from "../support/wait.js";

let browser;
let server;
before(async () => {
  [browser, server] = await Promise.all([launch(), startServer({ www: FRONTEND })]);
});
beforeEach(() => server.start());
after(() => Promise.all([browser.close(), server.stop()]));

const url = (name, room, device = "") => `${server.http}/?${new URLSearchParams({ name, room, device })}`;

// Waits until the page shows exactly these people, in whatever order.
const shows = (tab, ...lines) =>
  tab.waitForFunction(
    (expected) => [...document.querySelectorAll("#people li")].map((line) => line.textContent).sort().join("\n") === expected,
    lines.sort().join("\n"),
    { polling: 20 },
  );

const logs = (tab, line) => tab.locator("#log li", { hasText: line }).first().waitFor();

test("pages see each other come, change and go, with their metas", () =>
  withTabs(browser, "rust-presence", async (open) => {
    const alice = await open(url("Alice", "rust", "phone"));
    const bob = await open(url("Bob", "rust", "laptop"));
    const second = await open(url("Alice", "rust", "tv"));
    for (const tab of [alice, bob, second]) {
      await shows(tab, "Alice (count: 2) phone, tv", "Bob (count: 1) laptop");
    }
    await logs(alice, "Bob came");
    await logs(alice, "Alice: phone, tv, was phone");
    await bob.evaluate(() => visit.rename("car"));
    for (const tab of [alice, bob]) await shows(tab, "Alice (count: 2) phone, tv", "Bob (count: 1) car");
    const people = await alice.evaluate(() => visit.people());
    assert.deepEqual(
      people.map(({ key, count, metas }) => [key, count, metas.map(({ device }) => device)]).sort(),
      [["Alice", 2, ["phone", "tv"]], ["Bob", 1, ["car"]]],
    );
    await second.close();
    await bob.evaluate(() => visit.free());
    await shows(alice, "Alice (count: 1) phone");
    await logs(alice, "Bob went");
  }));

test("pages and JavaScript clients are in one room, and hear each other", () =>
  withTabs(browser, "rust-interop", async (open) => {
    const alice = await open(url("Alice", "mixed", "phone"));
    const device = new Device(CLIENTS[1], server, "Bob", { room: "mixed", params: { meta: { device: "grüße 😀" } } });
    const heard = [];
    device.channel.on("shout", ({ body }) => heard.push(body));
    await shows(alice, "Alice (count: 1) phone", "Bob (count: 1) grüße 😀");
    await until("Bob sees Alice", () => device.shows("Alice (count: 1)", "Bob (count: 1)"));
    await alice.evaluate(() => visit.shout("hello 😀"));
    await until("Bob hears Alice", () => heard.includes("hello 😀"));
    device.channel.push("shout", { body: "hi" });
    await logs(alice, "shout: hi");
    await device.close();
    await shows(alice, "Alice (count: 1) phone");
  }));

test("after a restart of the server the pages are all there again, each once", () =>
  withTabs(browser, "rust-restart", async (open) => {
    const alice = await open(url("Alice", "restart", "phone"));
    const bob = await open(url("Bob", "restart", "tv"));
    const gone = await open(url("Gone", "restart", "pc"));
    for (const tab of [alice, bob]) await shows(tab, "Alice (count: 1) phone", "Bob (count: 1) tv", "Gone (count: 1) pc");
    await server.kill();
    await gone.close();
    await server.start();
    for (const tab of [alice, bob]) await shows(tab, "Alice (count: 1) phone", "Bob (count: 1) tv");
    await bob.evaluate(() => visit.shout("still here"));
    await logs(alice, "shout: still here");
  }));

test("a visit that is freed leaves the room and closes its connection", () =>
  withTabs(browser, "rust-free", async (open) => {
    const bob = await open(url("Bob", "free"));
    const alice = await open(url("Alice", "another room"));
    await shows(alice, "Alice (count: 1)");
    const connected = alice.waitForEvent("websocket");
    await alice.goto(url("Alice", "free"));
    for (const tab of [alice, bob]) await shows(tab, "Alice (count: 1)", "Bob (count: 1)");
    const closed = (await connected).waitForEvent("close");
    await alice.evaluate(() => visit.free());
    await closed;
    await shows(bob, "Bob (count: 1)");
  }));

test("what a script passes in is refused if it is of another type, or an option that there is not", () =>
  withTabs(browser, "rust-options", async (open) => {
    const alice = await open(url("Alice", "options"));
    await alice.waitForFunction(() => globalThis.visit);
    const fault = (visitor, options) =>
      alice.evaluate(async ([visitor, options]) => {
        const { enter } = await import("/room.js");
        try {
          enter(visitor, options);
        } catch (error) {
          return error.message;
        }
      }, [visitor, options]);
    assert.match(await fault({ name: 7, room: "x" }, {}), /expected a string/);
    assert.match(await fault({ name: "x", room: "x" }, { heartbeat: 5 }), /unknown option "heartbeat"/);
  }));
