// The benchmark as a page: it starts when it is opened, and shows a table. `?quick` for small sizes; with
// `?wait` it does nothing by itself.

import "./wasm_memory.js";
import { benchmark, compared } from "./benchmark.js";
import { hold } from "./held.js";
import { sizes } from "./rows.js";
import { table } from "./table.js";

const packages = { phoenix: await import("phoenix"), herenow: await import("herenow") };
const options = new URLSearchParams(location.search);
const quick = options.has("quick");
const results = [];

globalThis.hold = (kind, members) => hold(packages, kind, members);
globalThis.heldMembers = sizes(quick).held;
globalThis.compared = compared;
globalThis.run = () => benchmark(packages, { quick, only: options.get("only") ?? "", report });
globalThis.table = () => table(results);

function report(result) {
  results.push(result);
  document.querySelector("#results").textContent = table(results);
  globalThis.told?.(result);
}
globalThis.report = report;

globalThis.ready = true;
if (!options.has("wait")) await globalThis.run();
