// Tabs in a real Chromium. A test that fails leaves a screenshot of each tab in artifacts/.

import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const ARTIFACTS = join(dirname(fileURLToPath(import.meta.url)), "../artifacts");
const PATIENCE_MS = 15_000;

// Root may not use Chromium's sandbox, and there may be no internet to be busy with.
const FLAGS = [
  "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

// `args` are more flags of Chromium's, `options` are Playwright's.
export function launch({ args = [], ...options } = {}) {
  const executablePath = process.env.HERENOW_CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: [...FLAGS, ...args], ...options });
}

// Runs `run(open)`, where `open(url, options)` opens a tab as a person of its own would: with its own
// storage. Fails when a page threw, logged an error or asked another host for anything.
export async function withTabs(browser, name, run) {
  const tabs = [];
  const faults = [];
  const open = async (url, options = {}) => {
    const context = await browser.newContext({ locale: "en-GB", ...options });
    const tab = await context.newPage();
    tab.setDefaultTimeout(PATIENCE_MS);
    tabs.push(tab);
    tab.on("pageerror", (error) => faults.push(error.stack));
    tab.on("console", (message) => {
      // As Chromium says that a server went away: also of a connection that it had kept for another request.
      const lost = /ERR_(CONNECTION_|SOCKET_NOT_CONNECTED)|WebSocket connection/.test(message.text());
      if (message.type() === "error" && !lost) faults.push(message.text());
    });
    tab.on("request", (request) => {
      if (new URL(request.url()).host !== new URL(url).host) faults.push(`asked ${request.url()}`);
    });
    await tab.goto(url);
    return tab;
  };
  try {
    await run(open);
    if (faults.length) throw new Error(`the pages are not clean:\n${faults.join("\n")}`);
  } catch (error) {
    mkdirSync(ARTIFACTS, { recursive: true });
    for (const [index, tab] of tabs.entries()) {
      if (!tab.isClosed()) await tab.screenshot({ path: join(ARTIFACTS, `${name}-${index}.png`) });
    }
    throw error;
  } finally {
    await Promise.all(tabs.map((tab) => tab.context().close()));
  }
}

// Waits until the list shows exactly these lines, in whatever order.
export async function shows(tab, ...lines) {
  await tab.waitForFunction(
    ([selector, expected]) =>
      [...document.querySelectorAll(selector)].map((line) => line.textContent).sort().join("\n") === expected,
    [LINES, lines.sort().join("\n")],
    { polling: 20 },
  );
}

// The lines of the demo page, and those of the guide's page.
const LINES = "#people .who, #presences > li";
