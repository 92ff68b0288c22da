// One kind of client and one row, measured in a page or process of its own: engines make code for what they have
// seen, and an application has one client and one kind of room. Whoever measures (benchmark.js) has the clients take
// turns.

import { rows } from "./rows.js";

// Less than this a browser's clock does not show.
const FINEST_MS = 0.005;

// So often a client does the same in a small room first, and then as it is measured, with some time between: as in a
// page that has run for a while.
const SMALL_ROUNDS = 300;
const ROUNDS = 4;
const BETWEEN_MS = 60;

export class Subject {
  #connect;
  #quick;
  #now;
  #row;
  #client;
  // Engines throw away what they compiled for objects of which none is left: so this stays.
  #warm;

  /** `connect` makes a client, `now` is the clock. */
  constructor(connect, quick, now) {
    this.#connect = connect;
    this.#quick = quick;
    this.#now = now;
  }

  /** Begins with the row of this number. */
  async begin(number) {
    const row = rows(this.#quick)[number];
    const small = prepared(rows(true).find(({ what }) => what === row.what));
    this.#warm = await this.#clientFor(small);
    for (let n = 0; n < SMALL_ROUNDS; n++) small.run(this.#warm, n);
    this.#row = prepared(row);
    this.#client = await this.#clientFor(this.#row);
    for (let n = 0; n < (this.#quick ? 1 : ROUNDS); n++) {
      await this.round(n);
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    }
  }

  /** Does once what the row is about; for those that take no time, a number of times. Returns the ms for each. */
  async round(round) {
    const { run, fresh, times: most = 1 } = this.#row;
    const times = this.#quick ? Math.min(most, 4) : most;
    if (fresh) {
      this.#client.close();
      this.#client = await this.#clientFor(this.#row);
    }
    await idle();
    const started = this.#now();
    for (let n = 0; n < times; n++) run(this.#client, round * times + n);
    return Math.max(this.#now() - started, FINEST_MS) / times;
  }

  /** Ends the row. Returns what the client has seen: of those who did the same work, the same. */
  end() {
    const { joined, left, synced } = this.#client;
    const list = this.#client.render().sort();
    for (const client of [this.#client, this.#warm]) client.close();
    return JSON.stringify({ joined, left, synced, list: list.length, hash: hash(list) });
  }

  async #clientFor({ state }) {
    const client = await this.#connect();
    if (state !== undefined) {
      client.receive(state);
      client.render();
    }
    return client;
  }
}

const prepared = ({ prepare, ...row }) => ({ ...row, ...prepare() });

// What the last round left behind is not to be collected in the next one. Only young objects are: after a few
// collections of everything, engines forget the code that has not run meanwhile, as no page has them do.
async function idle() {
  for (let i = 0; i < 2; i++) {
    globalThis.gc?.({ type: "minor" });
    await new Promise((resolve) => setTimeout(resolve));
  }
}

function hash(texts) {
  let hash = 0;
  for (const text of texts) {
    for (let i = 0; i < text.length; i++) hash = (hash * 31 + text.charCodeAt(i)) | 0;
  }
  return hash;
}
