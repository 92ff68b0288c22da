// The reader of presences reads what JSON.parse reads, or leaves it to that.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import fc from "fast-check";
import { Ours, RawChannel, areDistinct, entriesOf, exactly, message, presences, warm } from "../support/presence.js";
import { PACKAGE } from "../support/server.js";

const { Reader } = await import(`${PACKAGE}/client.js`);

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

warm(Reader);

const parsed = (payload) => entriesOf(JSON.parse(payload));

// In the order of an object.
const inOrder = ({ keys, values }) =>
  entriesOf(Object.fromEntries(keys.map((key, i) => [key, values[i]])));

const payloads = presences.map((state) => (typeof state === "string" ? state : JSON.stringify(state)));

test("what it reads is what JSON.parse reads, to the number and to the order of names", () => {
  let read = 0;
  fc.assert(
    fc.property(fc.array(payloads, { minLength: 1, maxLength: 6 }), (payloads) => {
      const reader = new Reader();
      for (const payload of [...payloads, ...payloads]) {
        const result = reader.state(message(payload));
        if (result === null || !areDistinct(result)) continue;
        read += 1;
        assert.equal(exactly(inOrder(result)), exactly(inOrder(parsed(payload))));
      }
    }),
    { numRuns: 1_000 },
  );
  assert.ok(read > 1_000, `it has read ${read} states`);
});

test("what is no JSON it does not read", () => {
  let read = 0;
  const broken = fc.tuple(payloads, fc.nat(), fc.constantFrom("", '"', "\\", "{", "}", "[", "]", ",", ":", "0", "-", "e", ".", "x", " ", "\n", "\u001f"));
  fc.assert(
    fc.property(broken, ([payload, place, what]) => {
      const at = place % (payload.length + 1);
      const text = payload.slice(0, at) + what + payload.slice(at + (place % 2));
      const reader = new Reader();
      reader.state(message(payload));
      const result = reader.state(message(text));
      if (result === null || !areDistinct(result)) return;
      read += 1;
      // It throws if it is none.
      assert.equal(exactly(inOrder(result)), exactly(inOrder(parsed(text))));
    }),
    { numRuns: 3_000 },
  );
  assert.ok(read > 100, `it has read ${read} states`);
});

test("a diff of one that came, went or both is read as JSON.parse reads it, or left to that", () => {
  let read = 0;
  const alike = fc
    .tuple(fc.string(), fc.string(), fc.double())
    .map(([key, name, n]) => `${JSON.stringify(key)}:${JSON.stringify({ metas: [{ name, n }] })}`);
  const oneOrNone = fc.option(alike, { nil: "" });
  const damage = fc.option(fc.tuple(fc.nat(), fc.constantFrom("", '"', "\\", "{", "}", "[", "]", ",", "0", "-", "x", "\u001f")), { freq: 2 });
  const tail = fc.constantFrom("]", "]", "]", "]]", "", "] ", ",1]");
  fc.assert(
    fc.property(alike, oneOrNone, oneOrNone, damage, tail, (before, joins, leaves, damage, tail) => {
      const reader = new Reader();
      reader.state(message(`{${before}}`));
      let payload = `{"joins":{${joins}},"leaves":{${leaves}}}`;
      if (damage !== null) {
        const at = damage[0] % payload.length;
        payload = payload.slice(0, at) + damage[1] + payload.slice(at + 1);
      }
      const result = reader.diff(message(payload, tail));
      if (result === null) return;
      read += 1;
      assert.equal(tail, "]");
      const diff = JSON.parse(payload);
      assert.deepEqual(Object.keys(diff), ["joins", "leaves"]);
      for (const [what, { keys, values }] of Object.entries(result)) {
        assert.equal(exactly({ keys, values }), exactly(entriesOf(diff[what])));
      }
    }),
    { numRuns: 3_000 },
  );
  assert.ok(read > 400, `it has read ${read} diffs`);
});

test("what only looks like a number is none, and a number is read to the last digit", () => {
  const digits = fc.stringMatching(/^[-+]?[0-9a-z_]{0,3}[.]?[0-9]{0,18}([eE][-+]?[0-9]{1,3})?$/);
  fc.assert(
    fc.property(fc.oneof(digits, fc.double().map(String), fc.constantFrom("true", "false", "null", "nul", "01", "0", "-0", "1.", ".5", "NaN")), (number) => {
      const reader = new Reader();
      reader.state(message('{"a":{"metas":[{"n":1}]}}'));
      const payload = `{"joins":{"b":{"metas":[{"n":${number}}]}},"leaves":{}}`;
      const result = reader.diff(message(payload));
      let expected = null;
      try {
        expected = JSON.parse(payload);
      } catch {
        // It is none.
      }
      assert.equal(result === null, expected === null || typeof expected.joins.b.metas[0].n === "string");
      if (result !== null) assert.equal(exactly(result.joins.values), exactly([expected.joins.b]));
    }),
    { numRuns: 3_000 },
  );
});

test("a room in which presences are written in all ways that it knows is read on and on", () => {
  const ways = 8;
  let at = 0;
  const one = (way) => `"user:${++at}":${JSON.stringify({ metas: [{ phx_ref: `ref ${at}`, [`way ${way}`]: at }] })}`;
  const diffs = fc.array(
    fc.record({ joins: fc.array(fc.nat(ways - 1), { maxLength: 2 }), leaves: fc.array(fc.nat(ways - 1), { maxLength: 2 }) }),
    { minLength: 2_000, maxLength: 2_000 },
  );
  fc.assert(
    fc.property(diffs, (diffs) => {
      const reader = new Reader();
      for (const { joins, leaves } of diffs) {
        const payload = `{"joins":{${joins.map(one)}},"leaves":{${leaves.map(one)}}}`;
        assert.notEqual(reader.diff(message(payload)), null);
      }
    }),
    { numRuns: 5 },
  );
});

test("nothing may come after the payload", () => {
  const reader = new Reader();
  for (const tail of ["", ",1]", "] ", "}]", "]]"]) {
    assert.equal(reader.state(message('{"a":{"metas":[]}}', tail)), null, tail);
  }
  assert.deepEqual(reader.state(message('{"a":{"metas":[]}}')), { keys: ["a"], values: [{ metas: [] }] });
});

test("it reads metas in which some names come and go", () => {
  const reader = new Reader();
  const long = (i) => `${i}: ${"long".repeat(25)}`;
  const metas = [
    { phx_ref: long(1), name: long("ada") },
    { phx_ref: long(2), name: long("ada"), phx_ref_prev: long(1) },
    { phx_ref: "3", name: long("bob"), at: { x: 1.5, y: [null, true, 0] } },
  ];
  for (let i = 0; i < 10_000; i++) {
    const state = { [`user ${i}`]: { metas: [metas[i % 3], metas[(i * 7) % 3]], name: i % 2 ? "odd" : null } };
    assert.deepEqual(reader.state(message(JSON.stringify(state))), { keys: Object.keys(state), values: Object.values(state) });
  }
});

test("objects and arrays of nothing are as good as others", () => {
  const reader = new Reader();
  const state = JSON.stringify({ ada: { metas: [{ none: {}, list: [] }, {}] }, bob: { metas: [] }, eve: {} });
  for (let i = 0; i < 1_000; i++) assert.equal(JSON.stringify(reader.state(message(state))), JSON.stringify(parsed(state)));
  assert.deepEqual([reader.state(message("{}")), reader.state(message("[]"))], [{ keys: [], values: [] }, null]);
});

test("where each object is written in another way it stops trying, and leaves all to JSON.parse", () => {
  const reader = new Reader();
  const state = (i) => JSON.stringify({ user: { metas: [{ [`name ${i}`]: i }] } });
  let read = 0;
  while (read < 10_000 && reader.state(message(state(read))) !== null) read += 1;
  assert.ok(read > 8 && read < 10_000, `after ${read} states`);
});

// How often it tries whether a presence is written like another while `run` runs.
function attemptsOf(run) {
  const { exec } = RegExp.prototype;
  let attempts = 0;
  RegExp.prototype.exec = function (...args) {
    attempts += 1;
    return exec.apply(this, args);
  };
  try {
    run();
  } finally {
    RegExp.prototype.exec = exec;
  }
  return attempts;
}

test("where most attempts are in vain, there are not many", () => {
  // They differ in their last names only, and never is one written like the one before.
  const meta = (i) => ({ phx_ref: "1", info: { name: "somebody", at: [1, 2, { x: 0.5 }] }, [`last ${i % 8}`]: 0 });
  const members = Array.from({ length: 5_000 }, (_, i) => `"user ${i}":{"metas":[${JSON.stringify(meta(7 * i))}]}`);
  const payload = `{${members.join(",")}}`;
  const reader = new Reader();
  const attempts = attemptsOf(() => {
    for (let i = 0; i < 20; i++) {
      const result = reader.state(message(payload));
      if (result !== null) assert.equal(exactly(result), exactly(parsed(payload)));
    }
  });
  assert.ok(attempts > 8 && attempts < 20 * 5_000, `${attempts} attempts for ${20 * 5_000} presences`);
});

test("strings and numbers of any length are read, or left to JSON.parse", () => {
  const state = (name, x) => `{"user":{"metas":[{"name":${JSON.stringify(name)},"x":${x}}]},"z":{"metas":[]}}`;
  for (const length of [0, 12, 13, 500, 1_000, 1_030, 2 ** 15, 2 ** 21]) {
    const digits = `1${"0".repeat(length)}`;
    for (const text of [state("x".repeat(length), "1"), state("", digits), state("", `0.${digits}`), state("", `-1e${digits}`)]) {
      const reader = new Reader();
      reader.state(message(state("somebody", 1)));
      const result = reader.state(message(text));
      // Longer ones are not worth it.
      if (length < 2 ** 11) assert.equal(exactly(result), exactly(parsed(text)));
      else assert.equal(result, null);
      assert.equal(reader.state(message(text, "}]")), null);
    }
  }
});

test("what was read before a message was refused does not count for it", () => {
  const reader = new Reader();
  const members = Array.from({ length: 100 }, (_, i) => `"user ${i}":{"metas":[{"phx_ref":"${i}"}]}`).join(",");
  const attempts = attemptsOf(() => {
    for (let i = 0; i < 1_000; i++) assert.equal(reader.state(message(`{${members}}`, " ]")), null);
  });
  assert.ok(attempts < 20 * 110, `${attempts} attempts`);
});

test("of a large state that is written in other ways not much is read in vain", () => {
  const reader = new Reader();
  const state = (from, count) => JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`user ${i}`, { metas: [{ [`name ${from + i}`]: i }] }])));
  reader.state(message(state(0, 8)));
  const large = message(state(1_000, 20_000));
  const attempts = attemptsOf(() => assert.equal(reader.state(large), null));
  assert.ok(attempts > 8 && attempts < 2_000, `${attempts} attempts`);
});

test("who has had most messages refused is not asked any more, and who has not is", () => {
  const ask = (good) => {
    const reader = new Reader();
    let read = 0;
    for (let i = 0; i < 3_000; i++) {
      if (reader.state(message('{"a":{"metas":[{"phx_ref":"1"}]}}', i % 100 < good ? "]" : " ]")) !== null) read += 1;
    }
    return read;
  };
  assert.ok(ask(50) < 100);
  assert.equal(ask(100), 3_000);
});

test("a payload that somebody has looked at is not read once more: it may have been changed", () => {
  const channel = new RawChannel();
  channel.bind("presence_diff", ({ payload }) => delete payload.joins.bob);
  const presence = new Ours(channel);
  channel.deliver("presence_state", "{}");
  channel.deliver("presence_diff", '{"joins":{"ada":{"metas":[]},"bob":{"metas":[]}},"leaves":{}}');
  assert.deepEqual(presence.list((key) => key), ["ada"]);
});

test("what is kept of a message does not keep all of it", async () => {
  const reader = new Reader();
  const kept = [];
  // What was left by the tests before goes in several steps.
  const bytes = async () => {
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve));
      collectGarbage();
    }
    return process.memoryUsage().heapUsed;
  };
  const others = Array.from({ length: 2_000 }, (_, i) => `"${i}":{"metas":[{"phx_ref":"0123456789abcdef${i}"}]}`).join(",");
  const receive = (i) => {
    const key = `a key that is long enough ${i}`;
    const { text, start } = message(`{"${key}":{"metas":[{"phx_ref":"0123456789abcdef${i}"}]},${others}}`);
    // As a WebSocket hands it over.
    const { keys, values } = reader.state({ text: Buffer.from(text).toString(), start });
    kept.push(keys[0], values[0]);
    return text.length;
  };
  for (let i = 0; i < 10; i++) receive(i);
  const before = await bytes();
  let length = 0;
  for (let i = 0; i < 200; i++) length += receive(i);
  const grown = (await bytes()) - before;
  assert.equal(kept.length, 420);
  assert.ok(grown < length / 10, `${grown} bytes are kept of ${length}`);
});
