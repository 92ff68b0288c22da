// herenow's Presence beside npm phoenix's and a baseline, in Node: lines of JSON, then a table on stderr.
//
//   cargo xtask bench --client             all of it, in Node and in Chromium
//   node --expose-gc tests/js/bench/node.js [--quick] [--only WORDS]      after the package was built

import { execFileSync, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import "./wasm_memory.js";
import * as phoenix from "phoenix";
import { PACKAGE } from "../support/server.js";
import { benchmark, benchmarkApart } from "./benchmark.js";
import { clients } from "./clients.js";
import { first } from "./first.js";
import { hold } from "./held.js";
import { Subject } from "./subject.js";
import { table } from "./table.js";

const SCRIPT = fileURLToPath(import.meta.url);

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean" }, only: { type: "string" },
    // What it calls itself with.
    measure: { type: "string" }, first: { type: "string" }, hold: { type: "string" },
  },
});
if (options.measure) {
  answer(new Subject(clients(await packages())[options.measure], options.quick, cpuMs));
} else {
  if (options.first) await firstOf(options.first);
  else if (options.hold) await holdOne(options.hold);
  else await measureAll();
  // The sockets' timers would keep it running.
  process.exit(0);
}

async function packages() {
  return { herenow: await import(`${PACKAGE}/index.js`), phoenix };
}

async function measureAll() {
  const results = [];
  const report = (result) => {
    results.push(result);
    console.log(JSON.stringify({ in: `Node ${process.versions.node}`, ...result }));
  };
  await benchmark(remote, (subject) => subject.stop(), { ...options, report });
  const apart = (what) => (kind, members) => alone(what, kind, members);
  await benchmarkApart(apart("--first"), apart("--hold"), { ...options, report });
  console.error(`\nNode ${process.versions.node}\n${table(results)}`);
}

// A subject in a process of its own, which goes with this one at the latest.
function remote(kind) {
  const quick = options.quick ? ["--quick"] : [];
  const child = fork(SCRIPT, [...quick, "--measure", kind], { execArgv: ["--expose-gc"] });
  let settle;
  child.on("message", (answer) => settle.resolve(answer));
  child.on("exit", (code) => settle?.reject(new Error(`the process that measures ${kind} ended with ${code}`)));
  const ask = (what) => (argument) =>
    new Promise((resolve, reject) => {
      settle = { resolve, reject };
      child.send([what, argument]);
    });
  return { begin: ask("begin"), round: ask("round"), end: ask("end"), stop: () => child.disconnect() };
}

function answer(subject) {
  process.on("disconnect", () => process.exit(0));
  process.on("message", async ([what, argument]) => {
    process.send((await subject[what](argument)) ?? null);
  });
}

function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

// What a process of its own says.
function alone(what, kind, members) {
  const args = ["--expose-gc", SCRIPT, what, `${kind}:${members}`];
  return Number(execFileSync(process.execPath, args, { encoding: "utf8" }));
}

async function firstOf(what) {
  const [kind, members] = what.split(":");
  console.log(await first(await packages(), kind, Number(members), cpuMs));
}

async function holdOne(what) {
  const [kind, members] = what.split(":");
  const from = await packages();
  // Once before, for what is made once.
  await hold(from, kind, 10);
  const before = await heapBytes();
  const wasm = await hold(from, kind, Number(members));
  console.log(Math.max((await heapBytes()) - before + wasm, 1));
}

async function heapBytes() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return process.memoryUsage().heapUsed;
}
