// The benchmark works, in Node and in Chromium: with sizes that take no time, whatever the figures are.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { launch } from "../support/browser.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const LONGEST_MS = 120_000;

for (const [where, script] of [["Node", "node.js"], ["Chromium", "browser.js"]]) {
  test(`the benchmark tells every row, in ${where}`, async () => {
    const args = ["--expose-gc", join(HERE, script), "--quick"];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: LONGEST_MS });
    const rows = stdout.trim().split("\n").map((line) => JSON.parse(line));
    for (const row of rows) {
      assert.ok(row.in.startsWith(where));
      for (const column of ["times_phoenix", "times_baseline", "on_phoenix_channel_times_phoenix"]) {
        assert.equal(typeof row[column], "number", `${row.row}: ${column}`);
      }
    }
    const names = rows.map(({ row }) => row);
    for (const what of [
      "snapshot, list", "the same snapshot again, list", "diff of 1", "diff of 100 + 100", "list again",
      "diff of 1, list", "one key, snapshot, list", "first snapshot of a page, list", "memory held",
    ]) {
      assert.ok(names.includes(what), what);
      assert.ok(stderr.includes(what), `${what} in the table`);
    }
  });
}

test("the benchmark is also a page that runs when it is opened", async () => {
  const server = spawn(process.execPath, [join(HERE, "browser.js"), "--serve"], { stdio: ["ignore", "pipe", "inherit"] });
  const browser = await launch();
  try {
    const [line] = await once(server.stdout, "data");
    const [address] = String(line).match(/http:\S+/);
    const page = await browser.newPage();
    await page.goto(`${address}?quick`);
    const last = page.locator("#results", { hasText: "one key, diff of 1, list" });
    await last.waitFor({ timeout: LONGEST_MS });
    assert.match(await last.innerText(), /^snapshot, list.* µs/m);
  } finally {
    await browser.close();
    server.kill();
  }
});
