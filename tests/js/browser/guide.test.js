// The guide's page in a browser, with npm `phoenix` as a plain module and with our package: alike, and
// together.

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

import { launch, shows, withTabs } from "../support/browser.js";
import { startServer } from "../support/server.js";

const here = dirname(fileURLToPath(import.meta.url));
const www = mkdtempSync(join(tmpdir(), "herenow-guide-"));

let browser;
let server;

before(async () => {
  cpSync(join(here, "guide"), www, { recursive: true });
  cpSync(join(here, "../node_modules/phoenix/priv/static/phoenix.mjs"), join(www, "phoenix.mjs"));
  [browser, server] = await Promise.all([launch(), startServer({ www })]);
});

beforeEach(() => server.start());
after(async () => {
  await Promise.all([browser.close(), server.stop()]);
  rmSync(www, { recursive: true });
});

const url = (client, name) => `${server.http}/?client=${client}&name=${name}`;

for (const clients of [
  ["phoenix", "phoenix", "phoenix"],
  ["herenow", "herenow", "herenow"],
  ["herenow", "phoenix", "herenow"],
]) {
  test(`with the clients ${clients.join(", ")}: tabs come, go and survive a restart`, () =>
    withTabs(browser, `guide-${clients.join("-")}`, async (open) => {
      const alice = await open(url(clients[0], "Alice"));
      const second = await open(url(clients[1], "Alice"));
      const bob = await open(url(clients[2], "Bob"));
      for (const tab of [alice, second, bob]) await shows(tab, "Alice (count: 2)", "Bob (count: 1)");

      await server.restart();
      await shows(bob, "Alice (count: 2)", "Bob (count: 1)");
      await second.close();
      for (const tab of [alice, bob]) await shows(tab, "Alice (count: 1)", "Bob (count: 1)");
      await alice.close();
      await shows(bob, "Bob (count: 1)");
    }));
}

// In rooms of their own: of a tab that polled and was closed, the server hears nothing for a while.
for (const client of ["phoenix", "herenow"]) {
  test(`with the client ${client}: tabs that poll and tabs that do not see each other, also after a restart`, () =>
    withTabs(browser, `guide-poll-${client}`, async (open) => {
      const room = `&room=${client}`;
      const alice = await open(`${url(client, "Alice")}${room}&poll`);
      const bob = await open(`${url(client, "Bob")}${room}`);
      for (const tab of [alice, bob]) await shows(tab, "Alice (count: 1)", "Bob (count: 1)");
      await bob.close();
      await shows(alice, "Alice (count: 1)");

      await server.restart();
      const carol = await open(`${url(client, "Carol")}${room}&poll`);
      for (const tab of [alice, carol]) await shows(tab, "Alice (count: 1)", "Carol (count: 1)");
    }));
}
