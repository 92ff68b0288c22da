// What the presence tests share: both implementations, channels without a socket, and payloads of all
// kinds that a server could send.

import { inspect } from "node:util";
import fc from "fast-check";
import { Presence as Theirs } from "phoenix";
import { PACKAGE } from "./server.js";

export const { Presence: Ours } = await import(`${PACKAGE}/index.js`);
export { Theirs };

/** What the channels of both kinds share. */
class Bindings {
  ref = "1";
  /** What is bound now: for each ref the event and the callback. */
  bindings = new Map();
  #lastBinding = 0;

  bind(event, callback) {
    this.bindings.set(++this.#lastBinding, [event, callback]);
    return this.#lastBinding;
  }

  off(event, ref) {
    if (this.bindings.get(ref)?.[0] === event) this.bindings.delete(ref);
  }

  joinRef() {
    return this.ref;
  }

  tell(event, payload) {
    for (const [bound, callback] of [...this.bindings.values()]) if (bound === event) callback(payload);
  }
}

/** A channel as phoenix.js's Presence needs it: `on` and `joinRef`. */
export class PlainChannel extends Bindings {
  on(event, callback) {
    return this.bind(event, callback);
  }

  /** Delivers the JSON text of a payload. */
  deliver(event, text) {
    this.tell(event, JSON.parse(text));
  }
}

/** A channel that hands its payloads over as text, as herenow's own does. */
export class RawChannel extends Bindings {
  _bindRaw(event, callback) {
    return this.bind(event, callback);
  }

  deliver(event, text) {
    let parsed;
    const head = `[null,null,"room","${event}",`;
    this.tell(event, {
      text: `${head}${text}]`,
      start: head.length,
      get isSeen() {
        return parsed !== undefined;
      },
      get payload() {
        return (parsed ??= JSON.parse(text));
      },
    });
  }
}

/**
 * Everything about a value that JSON shows, the order of the keys included. JSON shows infinity as null and -0 as 0,
 * which is also what phoenix.js makes of them when it copies a presence, and herenow's does not.
 */
export const text = (value) => (value === undefined ? "undefined" : JSON.stringify(value));

/** The same for what both have to have as it came: also shows what JSON has no number for. */
export const exactly = (value) =>
  JSON.stringify(value, (_key, part) => (isShown(part) ? part : `number ${inspect(part)}`));

const isShown = (part) => typeof part !== "number" || (Number.isFinite(part) && !Object.is(part, -0));

/** A callback for joins or leaves that notes what it is given, as it is at that moment. */
export const note = (log, kind) => (key, current, presence) => {
  log.push([kind, key, text(current), text(presence)]);
};

/** A presence that notes all its callbacks in `log`; of `watched`, "join", "leave" and "sync". */
export function watch(presence, log, watched = ["join", "leave", "sync"]) {
  if (watched.includes("join")) presence.onJoin(note(log, "join"));
  if (watched.includes("leave")) presence.onLeave(note(log, "leave"));
  if (watched.includes("sync")) presence.onSync((...args) => log.push(["sync", args.length]));
  return presence;
}

/** Our presence and phoenix.js's, each with a channel of its own kind and a log of its callbacks; see `watch`. */
export function pair(watched) {
  return [[Ours, RawChannel], [Theirs, PlainChannel]].map(([Presence, Channel]) => {
    const channel = new Channel();
    const log = [];
    return { channel, log, presence: watch(new Presence(channel), log, watched) };
  });
}

/** Several values by their weights: [weight, arbitrary] pairs. */
const weighted = (...pairs) =>
  fc.oneof(...pairs.map(([weight, arbitrary]) => ({ weight, arbitrary })));

const key = weighted(
  [
    20,
    fc.constantFrom("a", "b", "c", "2", "10", "01", "4294967294", "4294967295", "__proto__"),
  ],
  [
    10,
    fc.constantFrom("constructor", "hasOwnProperty", "metas", "", "é", "🦀", 'a"b\\c\n', "\ud800"),
  ],
  [1, fc.string({ unit: "binary" })],
);

// What JSON can write and a JavaScript number cannot hold, or only just. Not one that is infinite as a `phx_ref`:
// of that phoenix.js makes null, so that it is another one than that of the next state.
const FINITE = ["-0", "-0.0", "1e-400", "9007199254740993", "-9007199254740993", "1e21", "1.7976931348623157e308"];
const INFINITE = ["1e400", "-1e400", "1.7976931348623159e308", "1".repeat(400)];

// JSON.stringify does not write them, so they stand in as strings until then.
const number = (written) => `number ${written}`;
const written = (value) => JSON.stringify(value).replace(/"number ([^"]+)"/g, "$1");

const reference = weighted(
  [12, fc.constantFrom("1", "2", "3", "4", 'quo"te', "é")],
  [4, fc.constantFrom(1, 2, 1.5, 0, -1, null, true, false)],
  [2, fc.constantFrom(2 ** 53, 2 ** 53 + 2, 1e21, 5e-324, Number.MAX_VALUE, -1e-7)],
  [2, fc.constantFrom(...FINITE).map(number)],
  [1, fc.constantFrom({}, [])],
);

const info = weighted(
  [3, fc.jsonValue({ maxDepth: 2 })],
  [1, fc.constantFrom(...FINITE, ...INFINITE).map(number)],
  [1, fc.constantFrom(...FINITE, ...INFINITE).map((edge) => ({ list: [[number(edge)]] }))],
);

const meta = weighted(
  [
    20,
    fc.record(
      { n: fc.integer({ min: 0, max: 3 }), phx_ref: reference, info },
      { requiredKeys: ["n"] },
    ),
  ],
  [1, fc.constantFrom(7, "meta", [], {})],
  [1, fc.integer({ min: 20, max: 200 }).map((depth) => ({ phx_ref: "deep", info: nested(depth) }))],
);

const nested = (depth) => JSON.parse(`${'{"a":['.repeat(depth)}${"]}".repeat(depth)}`);

const metas = weighted(
  [9, fc.array(meta, { maxLength: 4 })],
  [1, fc.array(meta, { minLength: 9, maxLength: 14 })],
);

// Other fields before the metas or after them.
const presence = fc
  .record({
    metas,
    user: fc.option(fc.jsonValue({ maxDepth: 2 }), { freq: 3 }),
    first: fc.boolean(),
  })
  .map(({ metas, user, first }) => {
    if (user === null) return { metas };
    return first ? { user, metas } : { metas, user };
  });

// What no JSON.stringify writes, but a server may: other spellings of the same numbers and strings, whitespace,
// names that come twice.
const oddlySpelled = fc.constantFrom(
  '{"metas":[{"phx_ref":1.0},{"phx_ref":2e0}]}',
  '{"metas":[{"phx_ref":9007199254740993}]}',
  '{"metas":[{"phx_ref":-0},{"phx_ref":0.15E+1}]}',
  String.raw`{"metas":[{"phx_ref":"\u0031"},{"phx\u005fref":"2"}]}`,
  String.raw`{"met\u0061s":[{"phx_ref":"3","text":"\ud83e\udd80\/\ud800"}]}`,
  '{ "metas" : [ { "phx_ref" : "4" } ] }',
  '{"metas":[{"phx_ref":"1"}],"metas":[{"phx_ref":"2","phx_ref":"3"}]}',
);

const presenceText = weighted([20, presence.map(written)], [1, oddlySpelled]);
const keyText = weighted(
  [30, key.map((key) => JSON.stringify(key))],
  [1, fc.constantFrom(String.raw`"\u0061"`, String.raw`"\u0032"`, String.raw`"\u00e9"`)],
);

// As text, because an object literal could not have a key called "__proto__".
export const presences = fc
  .array(fc.tuple(keyText, presenceText), { maxLength: 6 })
  .map((entries) => `{${entries.map((entry) => entry.join(":")).join(",")}}`);

export const diff = fc
  .record({ joins: presences, leaves: presences })
  .map(({ joins, leaves }) => object([["joins", joins], ["leaves", leaves]]));

/** A JSON object of keys and the texts of their values. */
export const object = (entries) =>
  `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`;

/** What can happen to a presence: payloads and rejoins; and whether somebody looks afterwards. */
export const steps = fc.array(
  fc.record({
    step: weighted(
      [3, presences.map((text) => ({ event: "presence_state", text }))],
      [6, diff.map((text) => ({ event: "presence_diff", text }))],
      [1, fc.constantFrom({ ref: "2" }, { ref: "3" }, { ref: null })],
    ),
    look: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

/** Takes a step on a channel. */
export function take(channel, { event, text, ref }) {
  if (event === undefined) channel.ref = ref;
  else channel.deliver(event, text);
}

/** Has a Reader read so much that from then on it reads large texts, too, as in a page that has run for a while. */
export function warm(Reader) {
  const reader = new Reader();
  const text = `{"user":{"metas":[{"text":"${"x".repeat(900)}"}]}}]`;
  for (let i = 0; i < 200; i++) reader.state({ text, start: 0 });
}

/** A message that brings such a payload, as a channel of ours hands it to a reader. */
export function message(payload, tail = "]") {
  const head = '[null,null,"room","presence_state",';
  return { text: `${head}${payload}${tail}`, start: head.length };
}

/** An object of presences as a reader gives it out. `__proto__` is a key like any other. */
export const entriesOf = (presences) => ({ keys: Object.keys(presences), values: Object.values(presences) });

/** Whether no key is there twice in what a reader gives out. */
export const areDistinct = ({ keys }) => new Set(keys).size === keys.length;

/** Counts the states that are read from now on, as `count.read` and, of those that are left to JSON.parse, `count.left`. */
export function countStates(Reader) {
  const count = { read: 0, left: 0 };
  const { state } = Reader.prototype;
  Reader.prototype.state = function (message) {
    const result = state.call(this, message);
    count[result === null ? "left" : "read"] += 1;
    return result;
  };
  return count;
}
