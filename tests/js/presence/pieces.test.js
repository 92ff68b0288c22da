// What is read in pieces is what JSON.parse reads of the whole, wherever the text is cut.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import fc from "fast-check";
import { areDistinct, entriesOf, exactly, message, pair } from "../support/presence.js";
import { PACKAGE } from "../support/server.js";

const { inPieces } = await import(`${PACKAGE}/client.js`);

const read = (payload, tail) => inPieces(message(payload, tail), 0);

// Not assert.equal, which would show the difference of such texts for minutes.
const assertSame = (one, other) => assert.ok(exactly(one) === exactly(other), "what was read differs");

const plain = (i) => `{"metas":[{"phx_ref":"r${i}","at":${i}}]}`;
const room = (count, presence) => `{${Array.from({ length: count }, (_, i) => `"user ${i}":${presence(i)}`).join(",")}}`;

// What looks as if a presence ended there, and does not.
const NOISE = [
  '{"text":"}]},"}', '{"text":"}]},\\""}', '{"at":[{}],"of":{"in":[{}]},"for":[{}]}', '{"at":{"in":[{}]},"for":1}', "[[{}]]",
];
const presence = fc.oneof(
  { weight: 8, arbitrary: fc.nat(1_000).map(plain) },
  fc.constantFrom(...NOISE).map((noise) => `{"metas":[${noise}]}`),
  fc.constantFrom(...NOISE).map((noise) => `{"metas":[{"phx_ref":"1"}],"user":${noise}}`),
  fc.record({ metas: fc.array(fc.jsonValue()) }).map((presence) => JSON.stringify(presence)),
);
const key = fc.oneof(fc.constantFrom("__proto__", "", '}]},"'), fc.string());
// Many, of a few kinds, and sometimes one whose key is an index, or is there twice.
const many = fc
  .tuple(
    fc.array(fc.tuple(key, presence), { minLength: 1, maxLength: 20 }),
    fc.integer({ min: 4_500, max: 9_000 }),
    fc.option(fc.constantFrom("7", "x 0", "y"), { freq: 3 }),
  )
  .map(([kinds, count, last]) => {
    const all = [["x", plain(0)], ...kinds];
    const entries = Array.from({ length: count }, (_, i) => {
      const [key, presence] = all[i % all.length];
      return `${JSON.stringify(`${key} ${i}`)}:${presence}`;
    });
    if (last !== null) entries.push(`"${last}":${plain(1)}`);
    return `{${entries.join(",")}}`;
  });

test("what it reads is what JSON.parse reads", () => {
  const times = { read: 0, twice: 0, left: 0 };
  fc.assert(
    fc.property(many, (payload) => {
      const result = read(payload);
      const parsed = entriesOf(JSON.parse(payload));
      if (result === null) {
        times.left += 1;
      } else if (areDistinct(result)) {
        times.read += 1;
        assertSame(result, parsed);
      } else {
        times.twice += 1;
        assert.ok(result.keys.length > parsed.keys.length);
      }
    }),
    { numRuns: 150 },
  );
  assert.ok(Object.values(times).every((count) => count > 5), JSON.stringify(times));
});

test("what is no JSON, is not all of the message, or is not much, it does not read", () => {
  const what = fc.constantFrom(
    "", '"', "\\", "{", "}", "[", "]", ",", ":", "0", " ", "\n", "},{", '}]},"', '}]},"x":{"y":[{', "}]}],",
  );
  const place = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(many, place, what, fc.boolean(), (payload, place, what, isInstead) => {
      const at = Math.floor(place * payload.length);
      const changed = payload.slice(0, at) + what + payload.slice(at + (isInstead ? 1 : 0));
      const result = read(changed);
      if (result === null) return;
      const parts = JSON.parse(message(changed).text);
      assert.equal(parts.length, 5);
      if (areDistinct(result)) assertSame(result, entriesOf(parts[4]));
    }),
    { numRuns: 150 },
  );
  const payload = room(6_000, plain);
  assert.equal(read(payload).keys.length, 6_000);
  for (const tail of ["", ",{}]", ",1]", "}]", "]]"]) assert.equal(read(payload, tail), null, tail);
  assert.equal(read(room(1_000, plain)), null, "so few are not worth it");
  assert.equal(inPieces(message(payload)), null, "it is not large");
  assert.equal(inPieces({ ...message(payload), isSeen: true }, 0), null, "somebody may have changed it");
  assert.equal(inPieces({ payload: {} }, 0), null, "it did not come as text");
});

test("a few presences that go on where one seems to end are read, and where most do, it is given up", () => {
  const state = (seeming, every) => {
    const odd = `{${Array.from({ length: seeming }, (_, i) => `"${i}":{"in":[{}]}`).join(",")}}`;
    return room(20_000, (i) => (i % every === 0 ? `{"metas":[${odd}]}` : plain(i)));
  };
  const few = state(2, 10);
  const most = state(20, 1);
  const parse = mock.method(JSON, "parse");
  const inVain = () => {
    const failed = parse.mock.calls.filter(({ error }) => error !== undefined);
    parse.mock.resetCalls();
    return failed.reduce((sum, { arguments: [text] }) => sum + text.length, 0);
  };
  try {
    const result = read(few);
    assert.ok(inVain() > 0);
    assertSame(result, entriesOf(JSON.parse(few)));
    assert.equal(read(most), null);
    assert.ok(inVain() < most.length / 4);
  } finally {
    parse.mock.restore();
  }
});

test("with large states that come again a presence does what phoenix.js's does", () => {
  const [ours, theirs] = pair();
  const deliver = (payload) => {
    for (const { channel } of [ours, theirs]) channel.deliver("presence_state", payload);
    assertSame(ours.log, theirs.log);
    assertSame(ours.presence.list(), theirs.presence.list());
  };
  // One in fifty is another time than the others.
  const large = (from, ref) =>
    room(5_000, (i) => `{"metas":[{"phx_ref":"${i % 50 === 0 ? ref : from + i}","text":"${"x".repeat(900)}"}]}`).replaceAll(
      /user (\d+)/g,
      (_, i) => `user ${from + Number(i)}`,
    );
  const withMore = (state, more) => `${state.slice(0, -1)},${more}}`;
  deliver(large(0, "a"));
  const parse = mock.method(JSON, "parse");
  ours.channel.deliver("presence_state", large(0, "a"));
  assert.ok(parse.mock.callCount() > 8);
  parse.mock.restore();
  theirs.channel.deliver("presence_state", large(0, "a"));
  deliver(large(10, "b"));
  deliver(withMore(large(0, "a"), '"user 1":{"metas":[{"phx_ref":"again"}]}'));
  deliver(withMore(large(0, "a"), '"7":{"metas":[{"phx_ref":"7"}]}'));
  for (const more of ['"eve":7', '"eve":{"metas":[tru]}']) {
    assert.throws(() => ours.channel.deliver("presence_state", withMore(large(0, "c"), more)), /eve|JSON/);
    assertSame(ours.presence.list(), theirs.presence.list());
  }
  deliver("{}");
});
