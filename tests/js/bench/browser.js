// The benchmark in Chromium: lines of JSON, then a table on stderr. See node.js.
//
//   node tests/js/bench/browser.js [--quick] [--only WORDS]
//   node tests/js/bench/browser.js --serve         to open the page in any browser

import { createReadStream } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { launch } from "../support/browser.js";
import { PACKAGE } from "../support/server.js";
import { benchmark, benchmarkApart } from "./benchmark.js";
import { table } from "./table.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const PHOENIX = fileURLToPath(import.meta.resolve("phoenix"));
const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript", ".html": "text/html" };

const { values: options } = parseArgs({
  options: { quick: { type: "boolean" }, only: { type: "string" }, serve: { type: "boolean" } },
});
const server = createServer(serve);
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `http://127.0.0.1:${server.address().port}/bench/page.html`;

if (options.serve) {
  console.log(`open ${address}`);
} else {
  const browser = await launch({ args: ["--js-flags=--expose-gc"] });
  try {
    await measureAll(browser);
  } finally {
    await browser.close();
    server.close();
  }
}

function serve({ url }, response) {
  const path = normalize(new URL(url, "http://host").pathname);
  const [, folder, ...rest] = path.split("/");
  const files = { bench: join(HERE, ...rest), herenow: join(PACKAGE, ...rest), "phoenix.mjs": PHOENIX };
  const file = createReadStream(files[folder] ?? "");
  // Isolated pages have a finer clock.
  response.setHeader("cross-origin-opener-policy", "same-origin");
  response.setHeader("cross-origin-embedder-policy", "require-corp");
  response.setHeader("content-type", TYPES[extname(path)] ?? "application/octet-stream");
  file.on("error", () => response.writeHead(404).end());
  file.pipe(response);
}

async function measureAll(browser) {
  const name = `Chromium ${browser.version().split(".")[0]}`;
  const query = new URLSearchParams({ wait: "" });
  if (options.quick) query.set("quick", "");
  const results = [];
  const report = (result) => {
    results.push(result);
    console.log(JSON.stringify({ in: name, ...result }));
  };
  await benchmark((kind) => remote(browser, query, kind), (subject) => subject.stop(), { ...options, report });
  await benchmarkApart(
    (kind, members) => firstOf(browser, query, kind, members),
    (kind, members) => held(browser, query, kind, members),
    { ...options, report },
  );
  console.error(`\n${name}\n${table(results)}`);
}

// A subject in a page of its own, in a context of its own: no other's garbage is collected in its process.
async function remote(browser, query, kind) {
  const context = await browser.newContext();
  const page = await open(context, query);
  await page.evaluate((kind) => globalThis.become(kind), kind);
  const ask = (what) => (argument) =>
    page.evaluate(([what, argument]) => globalThis.subject[what](argument), [what, argument]);
  return { begin: ask("begin"), round: ask("round"), end: ask("end"), stop: () => context.close() };
}

async function firstOf(browser, query, kind, members) {
  const page = await open(browser, query);
  const took = await page.evaluate(([kind, members]) => globalThis.first(kind, members), [kind, members]);
  await page.close();
  return took;
}

async function open(browser, query) {
  const page = await browser.newPage();
  page.setDefaultTimeout(0);
  page.on("pageerror", (error) => console.error(error));
  await page.goto(`${address}?${query}`);
  await page.waitForFunction(() => globalThis.ready);
  return page;
}

async function held(browser, query, kind, members) {
  const page = await open(browser, query);
  const devtools = await page.context().newCDPSession(page);
  const heapBytes = async () => {
    for (let i = 0; i < 3; i++) await devtools.send("HeapProfiler.collectGarbage");
    return (await devtools.send("Runtime.getHeapUsage")).usedSize;
  };
  const hold = (members) =>
    page.evaluate(([kind, members]) => globalThis.hold(kind, members), [kind, members]);
  await hold(10);
  const before = await heapBytes();
  const wasm = await hold(members);
  const bytes = Math.max((await heapBytes()) - before + wasm, 1);
  await page.close();
  return bytes;
}
