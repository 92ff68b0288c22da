// What is read in pieces is what JSON.parse reads of the whole, wherever the text is cut.

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
import { Ours, PlainChannel, RawChannel, Theirs, exactly, warm, watch } from "../support/presence.js";
import { PACKAGE } from "../support/server.js";

const { Reader, inPieces } = await import(`${PACKAGE}/client.js`);
warm(Reader);

const HEAD = '[null,null,"room","presence_state",';
const read = (payload, tail = "]") => inPieces({ text: `${HEAD}${payload}${tail}`, start: HEAD.length });

// As it has to be: the order is that of an object.
const entriesOf = (presences) => ({ keys: Object.keys(presences), values: Object.values(presences) });
const inOrder = ({ keys, values }) => entriesOf(Object.fromEntries(keys.map((key, i) => [key, values[i]])));
// Not assert.equal, which would show the difference of such texts for minutes.
const assertSame = (one, other) => assert.ok(exactly(one) === exactly(other), "what was read differs");
const areDistinct = ({ keys }) => new Set(keys).size === keys.length;

// What looks as if a presence ended there, and does not.
const NOISE = ['{"text":"}]},"}', '{"text":"}]},\\""}', '{"at":[{}]},"for":[{}]}', '{"at":{"in":[{}]},"for":1}', "[[{}]]"];
const plain = (i) => `{"metas":[{"phx_ref":"r${i}","at":${i}}]}`;
const presence = fc.oneof(
  { weight: 8, arbitrary: fc.nat(1_000).map(plain) },
  fc.constantFrom(...NOISE).map((noise) => `{"metas":[${noise}]}`),
  fc.constantFrom(...NOISE).map((noise) => `{"metas":[{"phx_ref":"1"}],"user":${noise}}`),
  fc.record({ metas: fc.array(fc.jsonValue()) }).map((presence) => JSON.stringify(presence)),
);
const key = fc.oneof(fc.constantFrom("__proto__", "", "7", '}]},"'), fc.nat().map(String), fc.string());
// Many, of a few kinds.
const many = fc
  .tuple(fc.array(fc.tuple(key, presence), { minLength: 1, maxLength: 20 }), fc.nat(3_000))
  .map(([entries, count]) => {
    const all = Array.from({ length: count }, (_, i) => [`${entries[i % entries.length][0]}${i}`, entries[i % entries.length][1]]);
    return `{${[...entries, ...all].map(([key, presence]) => `${JSON.stringify(key)}:${presence}`).join(",")}}`;
  });

test("what it reads is what JSON.parse reads", () => {
  let times = 0;
  fc.assert(
    fc.property(many, (payload) => {
      const result = read(payload);
      if (result === null) return;
      times += 1;
      const parsed = entriesOf(JSON.parse(payload));
      if (areDistinct(result)) assertSame(inOrder(result), parsed);
      else assert.ok(result.keys.length > parsed.keys.length);
    }),
    { numRuns: 300 },
  );
  assert.ok(times > 100, `it has read ${times} states`);
});

test("what is no JSON, or is not all of the message, it does not read", () => {
  const what = fc.constantFrom("", '"', "\\", "{", "}", "[", "]", ",", ":", "0", " ", "\n", "},{", '}]},"', '}]},"x":{"y":[{', "}]}],");
  fc.assert(
    fc.property(many, fc.double({ min: 0, max: 1, noNaN: true }), what, fc.boolean(), (payload, where, what, isInstead) => {
      const at = Math.floor(where * payload.length);
      const changed = payload.slice(0, at) + what + payload.slice(at + (isInstead ? 1 : 0));
      const result = read(changed);
      if (result === null) return;
      const message = JSON.parse(`${HEAD}${changed}]`);
      assert.equal(message.length, 5);
      if (areDistinct(result)) assertSame(inOrder(result), entriesOf(message[4]));
    }),
    { numRuns: 300 },
  );
  const payload = `{${Array.from({ length: 2_000 }, (_, i) => `"${i}":${plain(i)}`).join(",")}}`;
  assert.equal(read(payload).keys.length, 2_000);
  for (const tail of ["", ",{}]", ",1]", "}]", "]]"]) assert.equal(read(payload, tail), null, tail);
});

test("a few presences that go on where one seems to end are read, and where most do, it is given up", () => {
  const state = (seeming, every) => {
    const odd = `{${Array.from({ length: seeming }, (_, i) => `"${i}":{"in":[{}]}`).join(",")}}`;
    const metas = (i) => (i % every === 0 ? odd : `{"phx_ref":"${i}"}`);
    return `{${Array.from({ length: 5_000 }, (_, i) => `"user ${i}":{"metas":[${metas(i)}]}`).join(",")}}`;
  };
  const few = state(2, 3);
  const most = state(20, 1);
  const { parse } = JSON;
  let failed = 0;
  JSON.parse = (text) => {
    failed += 1;
    const value = parse(text);
    failed -= 1;
    return value;
  };
  try {
    assertSame(read(few), entriesOf(parse(few)));
    assert.ok(failed > 0);
    failed = 0;
    assert.equal(read(most), null);
    assert.ok(failed < 20, `${failed} attempts`);
  } finally {
    JSON.parse = parse;
  }
});

test("what somebody else has looked at, and may have changed, is not read again", () => {
  const text = `${HEAD}{${Array.from({ length: 5_000 }, (_, i) => `"${i}":{"metas":[{"text":"${"x".repeat(900)}"}]}`).join(",")}}]`;
  for (const isSeen of [false, true]) {
    assert.equal(new Reader().state({ text, start: HEAD.length, isSeen }) === null, isSeen);
  }
});

test("a presence does with states that are read so what phoenix.js's does", () => {
  const { state } = Reader.prototype;
  let times = 0;
  Reader.prototype.state = function (message) {
    const result = state.call(this, message);
    if (result !== null) times += 1;
    return result;
  };
  const [ours, theirs] = [[Ours, RawChannel], [Theirs, PlainChannel]].map(([Presence, Channel]) => {
    const channel = new Channel();
    const log = [];
    return { channel, log, presence: watch(new Presence(channel), log) };
  });
  const entry = (i, ref) => `"${i % 3 === 0 ? i : `user ${i}`}":{"metas":[{"phx_ref":"${ref}","text":"${"x".repeat(900)}"}]}`;
  const room = (from, to, ref, more = "") =>
    `{${Array.from({ length: to - from }, (_, i) => entry(from + i, i % 50 === 0 ? ref : i)).join(",")}${more}}`;
  const states = [
    room(0, 5_000, "a"),
    room(10, 5_010, "b"),
    room(0, 5_000, "a", `,${entry(1, "again")}`),
    "{}",
    room(0, 5_000, "c", `,${entry(1, "again")}`),
  ];
  try {
    for (const payload of states) {
      for (const { channel } of [ours, theirs]) channel.deliver("presence_state", payload);
      assertSame(ours.log, theirs.log);
      assertSame(ours.presence.list(), theirs.presence.list());
    }
    for (const more of [',"eve":7', ',"eve":{"metas":[tru]}']) {
      assert.throws(() => ours.channel.deliver("presence_state", room(0, 5_000, "d", more)), /eve|JSON/);
      assertSame(ours.presence.list(), theirs.presence.list());
    }
  } finally {
    Reader.prototype.state = state;
  }
  // All but those of eve; the empty one is no large one.
  assert.equal(times, states.length);
});
