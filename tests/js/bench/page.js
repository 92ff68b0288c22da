// The benchmark as a page: it starts when it is opened, and shows a table. `?quick` for small sizes; with
// `?wait` it does nothing by itself.

import "./wasm_memory.js";
import { benchmark } from "./benchmark.js";
import { clients } from "./clients.js";
import { first } from "./first.js";
import { hold } from "./held.js";
import { Subject } from "./subject.js";
import { table } from "./table.js";

const packages = { phoenix: await import("phoenix"), herenow: await import("herenow") };
const options = new URLSearchParams(location.search);
const quick = options.has("quick");
const results = [];

globalThis.hold = (kind, members) => hold(packages, kind, members);
globalThis.first = (kind, members) => first(packages, kind, members, () => performance.now());
globalThis.become = (kind) => {
  globalThis.subject = new Subject(clients(packages)[kind], quick, () => performance.now());
};

// A subject in a frame of its own. Browsers may give all of them one process, so in large rooms one's garbage can be
// collected in another's time.
async function framed(kind) {
  const frame = document.createElement("iframe");
  const query = new URLSearchParams(options);
  query.set("measure", kind);
  frame.src = `?${query}`;
  const ready = new Promise((resolve) => {
    globalThis[`measure ${kind}`] = resolve;
  });
  document.body.append(frame);
  const subject = await ready;
  return {
    frame,
    begin: (number) => subject.begin(number),
    round: (round) => subject.round(round),
    end: () => subject.end(),
  };
}

function report(result) {
  results.push(result);
  document.querySelector("#results").textContent = table(results);
}

globalThis.ready = true;
const kind = options.get("measure");
if (kind) {
  globalThis.become(kind);
  globalThis.parent[`measure ${kind}`](globalThis.subject);
} else if (!options.has("wait")) {
  await benchmark(framed, (subject) => subject.frame.remove(), { quick, only: options.get("only") ?? "", report });
}
