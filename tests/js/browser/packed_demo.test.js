// The demo page on the package as it is published: packed, installed with npm, and served from there.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, shows, withTabs } from "../support/browser.js";
import { installPacked } from "../support/packed.js";
import { startServer } from "../support/server.js";

const dir = mkdtempSync(join(tmpdir(), "herenow-demo-"));

let browser;
let server;
before(async () => {
  [browser, server] = await Promise.all([launch(), startServer({ client: installPacked(dir) })]);
});
after(async () => {
  await Promise.all([browser?.close(), server?.stop()]);
  rmSync(dir, { recursive: true });
});

test("the demo page runs on the packed package, also after a restart of the server", () =>
  withTabs(browser, "packed-demo", async (open) => {
    const url = (name) => `${server.http}/?name=${name}&room=packed`;
    const alice = await open(url("Alice"));
    const second = await open(url("Alice"));
    const bob = await open(url("Bob"));
    for (const tab of [alice, second, bob]) await shows(tab, "Alice (count: 2)", "Bob (count: 1)");
    await bob.getByText("Away", { exact: true }).click();
    await alice.getByRole("log").getByText("Bob is away").waitFor();

    await server.restart();
    await alice.getByText("You are connected again").waitFor();
    await second.close();
    for (const tab of [alice, bob]) await shows(tab, "Alice (count: 1)", "Bob (count: 1)");
  }));
