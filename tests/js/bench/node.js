// herenow's Presence beside npm phoenix's and a baseline, in Node: lines of JSON, then a table on stderr.
//
//   cargo xtask bench --client             all of it, in Node and in Chromium
//   node --expose-gc tests/js/bench/node.js [--quick] [--only WORDS]      after the package was built

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import "./wasm_memory.js";
import * as phoenix from "phoenix";
import { PACKAGE } from "../support/server.js";
import { benchmark, compared } from "./benchmark.js";
import { clients } from "./clients.js";
import { hold } from "./held.js";
import { sizes } from "./rows.js";
import { table } from "./table.js";

const herenow = await import(`${PACKAGE}/index.js`);
const packages = { herenow, phoenix };

const { values: options } = parseArgs({
  options: { quick: { type: "boolean" }, only: { type: "string" }, hold: { type: "string" } },
});
if (options.hold) await holdOne(options.hold);
else await measureAll();
// The sockets' timers would keep it running.
process.exit(0);

async function measureAll() {
  const results = [];
  const report = (result) => {
    results.push(result);
    console.log(JSON.stringify({ in: `Node ${process.versions.node}`, ...result }));
  };
  await benchmark(packages, { ...options, report, now: cpuMs });
  if (!options.only || "memory".includes(options.only)) report(memory());
  console.error(`\nNode ${process.versions.node}\n${table(results)}`);
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

// What is held, in a process of its own for each client.
function memory() {
  const { held } = sizes(options.quick);
  const measure = (kind) =>
    Number(
      execFileSync(
        process.execPath,
        ["--expose-gc", fileURLToPath(import.meta.url), "--hold", `${kind}:${held}`],
        { encoding: "utf8" },
      ),
    );
  const figures = Object.fromEntries(Object.keys(clients(packages)).map((kind) => [kind, measure(kind)]));
  return { row: "memory held", members: held, ...compared(figures, "bytes") };
}

async function holdOne(what) {
  const [kind, members] = what.split(":");
  // Once before, for what is made once.
  await hold(packages, kind, 10);
  const before = await heapBytes();
  const wasm = await hold(packages, kind, Number(members));
  console.log(Math.max((await heapBytes()) - before + wasm, 1));
}

async function heapBytes() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return process.memoryUsage().heapUsed;
}
