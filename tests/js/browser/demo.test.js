// The demo page as people use it: several tabs, a server that dies, names that are an attack.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { launch, shows, withTabs } from "../support/browser.js";
import { CLIENTS, Device } from "../support/clients.js";
import { startServer } from "../support/server.js";

let browser;
let server;
before(async () => ([browser, server] = await Promise.all([launch(), startServer()])));
beforeEach(() => server.start());
after(() => Promise.all([browser.close(), server.stop()]));

const url = (name, room) => `${server.http}/?${new URLSearchParams({ name, room })}`;

test("tabs of two users show who is here with how many tabs, as they come and go", () =>
  withTabs(browser, "come-and-go", async (open) => {
    const alice = await open(url("Alice", "come"));
    await shows(alice, "Alice (count: 1)");
    const second = await open(url("Alice", "come"));
    const bob = await open(url("Bob", "come"));
    for (const tab of [alice, second, bob]) await shows(tab, "Alice (count: 2)", "Bob (count: 1)");
    assert.equal(await bob.title(), "(2) come · herenow");

    await second.close();
    for (const tab of [alice, bob]) await shows(tab, "Alice (count: 1)", "Bob (count: 1)");
    await alice.close();
    await shows(bob, "Bob (count: 1)");

    const log = bob.getByRole("log");
    for (const line of ["Alice left", "Alice left one device"]) {
      await log.getByRole("listitem").filter({ hasText: line }).first().waitFor();
    }
  }));

test("rooms are apart from each other", () =>
  withTabs(browser, "rooms", async (open) => {
    const attic = await open(url("Alice", "attic"));
    const cellar = await open(url("Bob", "cellar"));
    await shows(attic, "Alice (count: 1)");
    await shows(cellar, "Bob (count: 1)");
  }));

test("a status set in one tab is seen in the other, and lasts when the server restarts", () =>
  withTabs(browser, "status", async (open) => {
    const alice = await open(url("Alice", "status"));
    const bob = await open(url("Bob", "status"));
    await shows(alice, "Alice (count: 1)", "Bob (count: 1)");
    const bobsRow = alice.locator(".person", { hasText: "Bob (count: 1)" });
    await bob.getByText("Away", { exact: true }).click();
    await bobsRow.getByText(/^Away · /).waitFor();
    assert.equal(await bobsRow.getAttribute("data-status"), "away");
    await alice.getByRole("log").getByText("Bob is away").waitFor();
    await bob.getByRole("radio", { name: "Busy" }).check();
    await bobsRow.getByText(/^Busy · /).waitFor();

    await server.restart();
    await alice.getByText("You are connected again").waitFor();
    await bobsRow.getByText(/^Busy · /).waitFor();
    await shows(alice, "Alice (count: 1)", "Bob (count: 1)");
  }));

test("while the server is gone the page says so and counts down; then all recovers by itself", () =>
  withTabs(browser, "recovery", async (open) => {
    const tabs = [await open(url("Alice", "gone")), await open(url("Alice", "gone")), await open(url("Bob", "gone"))];
    for (const tab of tabs) await shows(tab, "Alice (count: 2)", "Bob (count: 1)");

    await server.kill();
    for (const tab of tabs) {
      await tab.getByText("The connection is gone.").waitFor();
      await tab.getByText(/^Trying again in [1-5] s\.$/).waitFor();
      await tab.getByRole("button", { name: "Try now" }).waitFor();
      await tab.getByRole("heading", { name: "2 people were here" }).waitFor();
    }
    await server.start();
    for (const tab of tabs) {
      await tab.getByText("Connected", { exact: true }).waitFor();
      await shows(tab, "Alice (count: 2)", "Bob (count: 1)");
      await tab.getByText("The connection is gone.").waitFor({ state: "hidden" });
    }
  }));

test("Try now connects at once", () =>
  withTabs(browser, "try-now", async (open) => {
    const alice = await open(url("Alice", "now"));
    await shows(alice, "Alice (count: 1)");
    // No timer of the page fires from here on, so it is the button that connects.
    await alice.clock.install();
    await alice.clock.pauseAt(Date.now() + 1000);
    await server.kill();
    const retry = alice.getByRole("button", { name: "Try now" });
    await retry.waitFor();
    await server.start();
    await retry.click();
    await alice.getByText("You are connected again").waitFor();
    await shows(alice, "Alice (count: 1)");
  }));

test("without a name the page asks for one, and goes to the room of the link", () =>
  withTabs(browser, "door", async (open) => {
    const tab = await open(`${server.http}/?room=garden`);
    assert.equal(await tab.getByLabel("Room").inputValue(), "garden");
    await tab.getByLabel("Name").fill("Zoë Ångström");
    await tab.keyboard.press("Enter");
    await shows(tab, "Zoë Ångström (count: 1)");
    assert.equal(new URL(tab.url()).searchParams.get("room"), "garden");
  }));

test("names, rooms and metas are text, whatever they look like", () =>
  withTabs(browser, "markup", async (open) => {
    const name = "<img src=x onerror=\"document.title='pwned'\">";
    const mallory = await open(url(name, "<b>bold</b>"));
    const bob = await open(url("Bob", "<b>bold</b>"));
    for (const tab of [mallory, bob]) {
      await shows(tab, `${name} (count: 1)`, "Bob (count: 1)");
      assert.equal(await tab.locator("main img, main b:not(.log b)").count(), 0);
      assert.equal(await tab.title(), "(2) <b>bold</b> · herenow");
    }
  }));

test("devices unfold by keyboard, and one's own tab is marked", () =>
  withTabs(browser, "devices", async (open) => {
    const alice = await open(url("Alice", "devices"));
    await open(url("Alice", "devices"), { userAgent: "Mozilla/5.0 (iPhone) Version/18.0 Safari/604.1" });
    await shows(alice, "Alice (count: 2)");
    const row = alice.locator(".person", { hasText: "Alice (count: 2)" });
    await row.locator("summary").focus();
    await alice.keyboard.press("Enter");
    await row.getByText("Safari on iPhone").waitFor();
    await row.getByText("this tab").waitFor();
    assert.equal(await row.getByText("this tab").count(), 1);
  }));

test("where the server is one of several, each device shows on which node it is", () =>
  withTabs(browser, "nodes", async (open) => {
    const alice = await open(url("Alice", "nodes"));
    // Such a server puts the node into each meta.
    const devices = ["node-2", "node-1"].map((node) =>
      new Device(CLIENTS[0], server, "Bob", { room: "nodes", params: { meta: { device: "A phone", node } } }));
    await shows(alice, "Alice (count: 1)", "Bob (count: 2)");
    const row = alice.locator(".person", { hasText: "Bob (count: 2)" });
    await row.getByText("on node-1 and node-2").waitFor();
    await row.locator("summary").click();
    for (const node of ["node-1", "node-2"]) await row.getByText(node, { exact: true }).waitFor();
    assert.equal(await alice.locator(".person", { hasText: "Alice" }).getByText("on node").count(), 0);
    for (const device of devices) device.socket.disconnect();
    await shows(alice, "Alice (count: 1)");
  }));

test("the latency is measured", () =>
  withTabs(browser, "latency", async (open) => {
    const alice = await open(url("Alice", "latency"));
    await alice.locator("#latency", { hasText: /^(< 1|\d+) ms$/ }).waitFor();
  }));

for (const [what, viewport, colorScheme] of [
  ["a small phone", { width: 320, height: 568 }, "light"],
  ["a phone", { width: 390, height: 844 }, "dark"],
  ["a desktop", { width: 1280, height: 800 }, "light"],
]) {
  test(`on ${what} nothing sticks out sideways, and one's status is within reach`, () =>
    withTabs(browser, `size-${viewport.width}`, async (open) => {
      const alice = await open(url("A name that is as long as the form allows it to be, honestly", "size"), {
        viewport, colorScheme,
      });
      await open(url("Unbreakable".repeat(20), "size"));
      await alice.locator(".person").nth(1).waitFor();
      const width = await alice.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= viewport.width, `${width} px in ${viewport.width} px`);
      const box = await alice.getByRole("radio", { name: "Away" }).boundingBox();
      assert.ok(box.y + box.height <= viewport.height, "the status is below the fold");
    }));
}
