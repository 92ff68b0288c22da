// The benchmark itself, the same in Node and in a browser: all clients in turn, round by round, so that a
// busy machine hinders all alike. What counts is the median: of CPU time in Node, where what else the machine does
// hardly shows in that; of time by the clock in a browser, which knows no other.

import { rows, sizes } from "./rows.js";

const MOST_ROUNDS = 25;
const LEAST_ROUNDS = 5;
const ENOUGH_MS = 2_500;

/** The kinds of client, by the name of their column. */
const KINDS = ["phoenix", "baseline", "herenow", "on_phoenix_channel"];

// So many pages hear a first snapshot.
const FIRST_TIMES = 9;

/**
 * Measures the rows that need a process or page of its own for each figure: `firstOf` returns the ms of a first
 * snapshot, `heldOf` the bytes that are held, each of a kind and of so many members.
 */
export async function benchmarkApart(firstOf, heldOf, { quick = false, only = "", report }) {
  const { rooms, held } = sizes(quick);
  const apart = async (row, members, times, figureOf, ...unit) => {
    if (!named(row, members).includes(only)) return;
    const figures = Object.fromEntries(KINDS.map((kind) => [kind, []]));
    for (let i = 0; i < times; i++) for (const kind of KINDS) figures[kind].push(await figureOf(kind, members));
    const medians = KINDS.map((kind) => [kind, median(figures[kind])]);
    await report({ row, members, ...compared(Object.fromEntries(medians), ...unit) });
  };
  for (const members of rooms) {
    await apart("first snapshot of a page, list", members, quick ? 1 : FIRST_TIMES, firstOf, "us", 1_000);
  }
  await apart("memory held", held, 1, heldOf, "bytes");
}

/**
 * Measures all other rows, and tells `report` of each. `make` makes a new `Subject` (or what does as one says) of one of
 * KINDS; `discard` is given it in the end.
 */
export async function benchmark(make, discard, { quick = false, only = "", report }) {
  for (const [number, row] of rows(quick).entries()) {
    if (!named(row.what, row.members).includes(only)) continue;
    const subjects = await Promise.all(KINDS.map(make));
    const took = await measure(row, number, subjects, quick);
    subjects.forEach(discard);
    report({ row: row.what, members: row.members, ...compared(took, "us", 1_000) });
  }
}

/** What `--only` is looked for in. */
const named = (row, members) => `${members} members, ${row}`;

/** The figures of a row with their unit, and how many times better than phoenix.js's and the baseline's ours are. */
function compared(figures, unit, factor = 1) {
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

async function measure(row, number, subjects, quick) {
  const took = subjects.map(() => []);
  for (const subject of subjects) await subject.begin(number);
  const began = performance.now();
  for (let round = 0; round < (quick ? 1 : MOST_ROUNDS); round++) {
    if (round >= LEAST_ROUNDS && performance.now() - began > ENOUGH_MS) break;
    for (const [i, subject] of subjects.entries()) took[i].push(await subject.round(round));
  }
  // Those who did not do the same work are not to be compared.
  const seen = await Promise.all(subjects.map((subject) => subject.end()));
  for (const [i, what] of seen.entries()) {
    if (what !== seen[0]) throw new Error(`${row.what}: ${KINDS[i]} did not do what ${KINDS[0]} did`);
  }
  return Object.fromEntries(took.map((times, i) => [KINDS[i], median(times)]));
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1];
}
