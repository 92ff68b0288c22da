// The demo page under axe, in every state that a person can meet: contrast, names, roles, order.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, beforeEach, test } from "node:test";

import { launch, withTabs } from "../support/browser.js";
import { startServer } from "../support/server.js";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

let browser;
let server;
before(async () => ([browser, server] = await Promise.all([launch(), startServer()])));
beforeEach(() => server.start());
after(() => Promise.all([browser.close(), server.stop()]));

// Reduced motion: a colour measured in the middle of a fade is nobody's colour.
const LOOKS = ["light", "dark"].flatMap((colorScheme) => [
  { colorScheme, reducedMotion: "reduce", viewport: { width: 1280, height: 800 } },
  { colorScheme, reducedMotion: "reduce", viewport: { width: 390, height: 844 } },
]);

async function check(tab) {
  await tab.addScriptTag({ path: AXE });
  const violations = await tab.evaluate(async () => (await axe.run()).violations);
  const faults = violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.failureSummary}\n${node.html}`));
  assert.deepEqual(faults, []);
}

for (const look of LOOKS) {
  const name = `${look.colorScheme}-${look.viewport.width}`;

  test(`${name}: the form for a name has no faults`, () =>
    withTabs(browser, `axe-door-${name}`, async (open) => {
      const tab = await open(server.http, look);
      await tab.getByLabel("Name").waitFor();
      await check(tab);
    }));

  test(`${name}: a room with people of every status has no faults, with and without a server`, () =>
    withTabs(browser, `axe-room-${name}`, async (open) => {
      const tab = await open(`${server.http}/?name=Alice&room=${name}`, look);
      for (const status of ["Away", "Busy"]) {
        const other = await open(`${server.http}/?name=${status}&room=${name}`);
        await other.getByText("Connected", { exact: true }).waitFor();
        await other.getByRole("radio", { name: status }).check();
        await tab.getByRole("log").getByText(`is ${status.toLowerCase()}`).waitFor();
      }
      await tab.locator("summary").first().click();
      await check(tab);
      await server.kill();
      await tab.getByRole("button", { name: "Try now" }).waitFor();
      await check(tab);
      await server.start();
    }));
}
