// What is done, and how often, for each row of the table.

import {
  NAMES, NUMBERS, changeOfShift, comingAndGoing, crowd, crowdComingAndGoing, snapshot,
} from "./data.js";

/** The sizes of the table, or such that take no time: to see that everything works. */
export const sizes = (quick) =>
  quick ? { rooms: [20], numbered: 20, crowd: 20, held: 200 } : { rooms: [1_000, 10_000, 100_000], numbered: 10_000, crowd: 10_000, held: 100_000 };

/**
 * All rows but those of memory. `prepare` makes what takes time to make: the frames that a client hears first, if any,
 * and `run`, which is measured, `times` in a row. `fresh`: a client is good for one round only.
 */
export function rows(quick) {
  const { rooms, numbered, crowd } = sizes(quick);
  return [
    ...rooms.flatMap((size) => roomRows(size, NAMES)),
    ...roomRows(numbered, NUMBERS).map((row) => ({ ...row, what: `${row.what}, numeric keys` })),
    ...crowdRows(crowd),
  ];
}

function roomRows(members, name) {
  const state = () => snapshot(members, name);
  const ones = () => comingAndGoing(name);
  const hundreds = () => changeOfShift(Math.min(100, members), name);
  const lists = Math.ceil(20_000 / members);
  return [
    { what: "snapshot, list", members, fresh: true, prepare: () => cold(state()) },
    { what: "the same snapshot again, list", members, prepare: () => again(state()) },
    { what: "diff of 1", members, times: 1_000, prepare: () => diffs(state(), ones()) },
    { what: "diff of 100 + 100", members, times: 20, prepare: () => diffs(state(), hundreds()) },
    { what: "list again", members, times: lists, prepare: () => ({ state: state(), run: (client) => client.render() }) },
    { what: "diff of 1, list", members, times: even(lists), prepare: () => diffsAndLists(state(), ones()) },
  ];
}

function crowdRows(members) {
  const state = () => crowd(members);
  return [
    { what: "one key, snapshot, list", members, fresh: true, prepare: () => cold(state()) },
    { what: "one key, the same snapshot again, list", members, prepare: () => again(state()) },
    { what: "one key, diff of 1, list", members, times: 10, prepare: () => diffsAndLists(state(), crowdComingAndGoing()) },
  ];
}

const cold = (state) => ({ run: (client) => receiveAndRender(client, state) });
const again = (state) => ({ state, run: (client) => receiveAndRender(client, state) });
const diffs = (state, frames) => ({
  state,
  run: (client, round) => client.receive(frames[round % frames.length]),
});
const diffsAndLists = (state, frames) => ({
  state,
  run: (client, round) => receiveAndRender(client, frames[round % frames.length]),
});

// Who comes goes again.
const even = (times) => Math.ceil(times / 2) * 2;

function receiveAndRender(client, frame) {
  client.receive(frame);
  client.render();
}
