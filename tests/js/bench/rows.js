// What is done, and how often, for each row of the table.

import {
  NAMES, NUMBERS, changeOfShift, comingAndGoing, crowd, crowdComingAndGoing, snapshot,
} from "./data.js";

/** The sizes of the table, or such that take no time: to see that everything works. */
export const sizes = (quick) =>
  quick ? { rooms: [20], numbered: 20, crowd: 20, held: 200 } : { rooms: [1_000, 10_000, 100_000], numbered: 10_000, crowd: 10_000, held: 100_000 };

/**
 * All rows but those of memory. Of each: what a client hears first, and what is measured, `times` in a row.
 * `fresh`: a client is good for one round only.
 */
export function rows(quick) {
  const { rooms, numbered, crowd } = sizes(quick);
  return [
    ...rooms.flatMap((size) => roomRows(size, NAMES)),
    ...roomRows(numbered, NUMBERS).map((row) => ({ ...row, what: `${row.what}, numeric keys` })),
    ...crowdRows(crowd),
  ];
}

function roomRows(size, name) {
  const state = snapshot(size, name);
  const ones = comingAndGoing(name);
  const hundreds = changeOfShift(Math.min(100, size), name);
  const row = (what, rest) => ({ what, members: size, state, ...rest });
  const diffs = (frames) => (client, round) => client.receive(frames[round % frames.length]);
  return [
    row("snapshot, list", { fresh: true, state: undefined, run: (client) => receiveAndRender(client, state) }),
    row("the same snapshot again, list", { run: (client) => receiveAndRender(client, state) }),
    row("diff of 1", { times: 1_000, run: diffs(ones) }),
    row(`diff of 100 + 100`, { times: 20, run: diffs(hundreds) }),
    row("list again", { times: Math.ceil(20_000 / size), run: (client) => client.render() }),
    row("diff of 1, list", {
      times: Math.ceil(20_000 / size / 2) * 2,
      run(client, round) {
        client.receive(ones[round % ones.length]);
        client.render();
      },
    }),
  ];
}

function crowdRows(metas) {
  const state = crowd(metas);
  const ones = crowdComingAndGoing();
  const row = (what, rest) => ({ what: `one key, ${what}`, members: metas, state, ...rest });
  return [
    row("snapshot, list", { fresh: true, state: undefined, run: (client) => receiveAndRender(client, state) }),
    row("the same snapshot again, list", { run: (client) => receiveAndRender(client, state) }),
    row("diff of 1, list", {
      times: 10,
      run(client, round) {
        client.receive(ones[round % ones.length]);
        client.render();
      },
    }),
  ];
}

function receiveAndRender(client, frame) {
  client.receive(frame);
  client.render();
}
