// The benchmark itself, the same in Node and in a browser: all clients in turn, round by round, so that a
// busy machine hinders all alike. What counts is the median: of CPU time in Node, where what else the machine does
// hardly shows in that; of time by the clock in a browser, which knows no other.

import { clients } from "./clients.js";
import { rows } from "./rows.js";

const MOST_ROUNDS = 25;
const LEAST_ROUNDS = 5;
const ENOUGH_MS = 2_500;
// Less than this a browser's clock does not show.
const FINEST_MS = 0.005;

/** Measures all rows, and tells `report` of each as an object of what goes out as JSON. */
export async function benchmark(packages, { quick = false, only = "", report, now = () => performance.now() }) {
  const kinds = clients(packages);
  await warmUp(kinds);
  for (const row of rows(quick)) {
    if (!row.what.includes(only)) continue;
    const took = await measure(row, kinds, quick, now);
    report({ row: row.what, members: row.members, ...compared(took, "us", 1_000) });
  }
}

/** The figures of a row with their unit, and how many times better than phoenix.js's and the baseline's ours are. */
export function compared(figures, unit, factor = 1) {
  const rounded = (value) => Number(value.toPrecision(3));
  const { phoenix, baseline, herenow, on_phoenix_channel } = figures;
  const shown = Object.entries(figures).map(([kind, value]) => [`${kind}_${unit}`, rounded(value * factor)]);
  return {
    ...Object.fromEntries(shown),
    times_phoenix: rounded(phoenix / herenow),
    times_baseline: rounded(baseline / herenow),
    on_phoenix_channel_times_phoenix: rounded(phoenix / on_phoenix_channel),
  };
}

async function measure(row, kinds, quick, now) {
  const names = Object.keys(kinds);
  const took = names.map(() => []);
  const made = await Promise.all(names.map((name) => prepare(row, kinds[name])));
  const times = quick ? Math.min(row.times ?? 1, 4) : row.times ?? 1;
  const began = performance.now();
  let turn = 0;
  for (let round = 0; round < (quick ? 1 : MOST_ROUNDS); round++) {
    if (round >= LEAST_ROUNDS && performance.now() - began > ENOUGH_MS) break;
    for (const [i, name] of names.entries()) {
      if (row.fresh && round > 0) {
        made[i].close();
        made[i] = await prepare(row, kinds[name]);
      }
      await idle();
      const started = now();
      for (let n = 0; n < times; n++) row.run(made[i], turn + n);
      took[i].push(Math.max(now() - started, FINEST_MS) / times);
    }
    turn += times;
  }
  agree(row, names, made);
  for (const client of made) client.close();
  return Object.fromEntries(names.map((name, i) => [name, median(took[i])]));
}

async function prepare(row, connect) {
  const client = await connect();
  if (row.state !== undefined) {
    client.receive(row.state);
    client.render();
  }
  return client;
}

// Those who did not do the same work are not to be compared.
function agree(row, names, made) {
  const seen = made.map((client) => {
    const { joined, left, synced } = client;
    return JSON.stringify({ joined, left, synced, list: client.render().sort() });
  });
  for (const [i, name] of names.entries()) {
    if (seen[i] !== seen[0]) throw new Error(`${row.what}: ${name} did not do what ${names[0]} did`);
  }
}

// Every client has met all kinds of frame, as in a page that has run for a while. Engines throw away what they
// compiled for objects of which none is left: so these stay.
async function warmUp(kinds) {
  globalThis.warm = [];
  for (const row of rows(true)) {
    for (const connect of Object.values(kinds)) {
      const client = await prepare(row, connect);
      for (let n = 0; n < 300; n++) row.run(client, n);
      globalThis.warm.push(client);
    }
  }
}

async function idle() {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
