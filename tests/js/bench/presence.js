// herenow's Presence beside npm phoenix's, from the text of a frame on: what a page does with it.
//
//   cargo xtask build --release --only package
//   node --expose-gc tests/js/bench/presence.js [members ...]
//
// Both are measured in turn, round by round, so that a busy machine hinders both alike. Printed are the
// medians, in milliseconds, as one JSON line for each row; `ratio` is how many times faster ours is.

import { Presence as Theirs } from "phoenix";
import { PACKAGE } from "../support/server.js";

const { Presence: Ours } = await import(`${PACKAGE}/index.js`);
const { writeText } = await import(`${PACKAGE}/wasm.js`);

const SIZES = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100, 10_000, 100_000];
const ROUNDS = 15;
const KINDS = ["theirs", "ours", "ours on phoenix's channel"];

const member = (i, name) => {
  const ref = `GOrkx${String(i).padStart(11, "q")}`;
  return `"${name(i)}":{"metas":[{"phx_ref":"${ref}","online_at":"${1_700_000_000 + i}","name":"Member ${i}"}]}`;
};
const NAMES = {
  names: (i) => `user:${(i * 2_654_435_761) % 4_000_000_007}`,
  numbers: (i) => String((i * 2_654_435_761) % 4_000_000_007),
};
const snapshot = (size, name) => `{${Array.from({ length: size }, (_, i) => member(i, name)).join(",")}}`;
// Somebody comes when somebody else goes, round and round.
const COMERS = 1_000;
const DIFFS = Array.from({ length: COMERS }, (_, i) => {
  const name = (i) => `n${i}`;
  const joins = member(i, name);
  const leaves = member((i + COMERS - 1) % COMERS, name);
  return `{"joins":{${joins}},"leaves":{${leaves}}}`;
});

// A presence with callbacks, as a page has it. `receive` is given the text of a payload, as it would be in
// a frame: phoenix.js's socket has to parse it first, herenow's writes it to wasm.
class Page {
  joined = 0;
  left = 0;
  #callbacks = {};
  #diffs = 0;

  constructor(kind) {
    const channel = { joinRef: () => "1" };
    channel[kind === "ours" ? "_bindRaw" : "on"] = (event, callback) => {
      this.#callbacks[event] = callback;
    };
    this.raw = kind === "ours";
    this.presence = new (kind === "theirs" ? Theirs : Ours)(channel);
    this.presence.onJoin((_key, _current, { metas }) => (this.joined += metas.length));
    this.presence.onLeave((_key, _current, { metas }) => (this.left += metas.length));
  }

  receive(event, payload) {
    if (this.raw) {
      writeText(payload);
      this.#callbacks[event]();
    } else {
      this.#callbacks[event](JSON.parse(payload));
    }
  }

  nextDiff() {
    return DIFFS[this.#diffs++ % COMERS];
  }

  render() {
    return this.presence.list((key, { metas: [first] }) => `${key}: ${first.name}`).length;
  }
}

// Rows: how a page is prepared, and what is measured, so many times in a row. `fresh`: a page is good for
// one round only.
const ROWS = {
  "snapshot, callbacks, list": {
    page: (kind) => new Page(kind),
    fresh: true,
    run(page, { state }) {
      page.receive("presence_state", state);
      page.render();
    },
  },
  "same snapshot again, list": {
    page: filled,
    run(page, { state }) {
      page.receive("presence_state", state);
      page.render();
    },
  },
  "diff of 1 + 1": {
    page: filled,
    times: 2_000,
    run: (page) => page.receive("presence_diff", page.nextDiff()),
  },
  "diff of 1 + 1, list": {
    page: filled,
    times: 5,
    run(page) {
      page.receive("presence_diff", page.nextDiff());
      page.render();
    },
  },
  "diff of 1 + 1, state": {
    page: filled,
    times: 200,
    run(page) {
      page.receive("presence_diff", page.nextDiff());
      if (page.presence.state.nobody) throw new Error("nobody is there");
    },
  },
  list: { page: filled, times: 5, run: (page) => page.render() },
};

function filled(kind, { state }) {
  const page = new Page(kind);
  page.receive("presence_state", state);
  page.render();
  void page.presence.state;
  return page;
}

const idle = async () => {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve));
  }
};
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

async function measure(row, input) {
  const took = KINDS.map(() => []);
  const pages = KINDS.map((kind) => row.page(kind, input));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, kind] of KINDS.entries()) {
      if (row.fresh) pages[i] = row.page(kind, input);
      await idle();
      const times = row.times ?? 1;
      const started = performance.now();
      for (let n = 0; n < times; n++) row.run(pages[i], input);
      took[i].push((performance.now() - started) / times);
    }
  }
  return took.map(median);
}

// What is compiled for members like these is thrown away with the last of them: so some stay.
const small = { state: snapshot(10, NAMES.names) };
globalThis.alive = KINDS.map((kind) => filled(kind, small));

for (const size of SIZES) {
  for (const [keys, name] of Object.entries(NAMES)) {
    const input = { state: snapshot(size, name) };
    for (const [what, row] of Object.entries(ROWS)) {
      const [theirs, ours, foreign] = await measure(row, input);
      const rounded = (value) => Number(value.toPrecision(3));
      console.log(
        JSON.stringify({
          row: what,
          members: size,
          keys,
          phoenix_ms: rounded(theirs),
          herenow_ms: rounded(ours),
          ratio: rounded(theirs / ours),
          on_phoenix_channel_ms: rounded(foreign),
          on_phoenix_channel_ratio: rounded(theirs / foreign),
        }),
      );
    }
  }
}
