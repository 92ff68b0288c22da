// What the server sends in the benchmark: frames as text, the same for all that are measured.

// The ref of the join, which each client takes by itself: a channel's own listeners take the first two refs.
export const JOIN_REF = "3";
export const TOPIC = "room:1";

const meta = (i) =>
  `{"phx_ref":"GOrkx${String(i).padStart(11, "q")}","online_at":"${1_700_000_000 + i}","name":"Member ${i}"}`;

// Keys as applications have them: names, or the numbers of users, which engines treat as array indices.
const scattered = (i) => (i * 2_654_435_761) % 4_000_000_007;
export const NAMES = (i) => `user:${scattered(i)}`;
export const NUMBERS = (i) => String(scattered(i));

const entry = (key, metas) => `"${key}":{"metas":[${metas.map(meta).join(",")}]}`;
const range = (from, count) => Array.from({ length: count }, (_, i) => from + i);

// A text as a WebSocket hands it over, not as it was put together.
const frame = (joinRef, event, payload) => {
  const text = `[${JSON.stringify(joinRef)},null,"${TOPIC}","${event}",${payload}]`;
  return new TextDecoder().decode(new TextEncoder().encode(text));
};
const members = (from, count, name) => range(from, count).map((i) => entry(name(i), [i])).join(",");
const state = (payload) => frame(JOIN_REF, "presence_state", `{${payload}}`);
const diff = (joins, leaves) => frame(null, "presence_diff", `{"joins":{${joins}},"leaves":{${leaves}}}`);

/** The state of so many members with one meta each. */
export const snapshot = (size, name = NAMES) => state(members(0, size, name));

/** Diffs of one change, which may be repeated for ever: each who comes goes with the next. */
export function comingAndGoing(name = NAMES) {
  return range(1_000_000, 500).flatMap((i) => {
    const one = members(i, 1, name);
    return [diff(one, ""), diff("", one)];
  });
}

/** Diffs of so many joins and leaves: all who come go with the next. */
export function changeOfShift(count, name = NAMES) {
  const shifts = range(0, 10).map((i) => members(1_000_000 + i * count, count, name));
  return shifts.map((shift, i) => diff(shift, shifts.at(i - 1)));
}

/** The state of one key with so many metas. */
export const crowd = (metas) => state(entry("everybody", range(0, metas)));

/** Diffs by which one more meta comes to that key and goes again. */
export function crowdComingAndGoing() {
  return range(1_000_000, 50).flatMap((i) => {
    const one = entry("everybody", [i]);
    return [diff(one, ""), diff("", one)];
  });
}
