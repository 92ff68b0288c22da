// The table of members is a map in the order of an object's own properties.

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
import { PACKAGE } from "../support/server.js";

const { Table } = await import(`${PACKAGE}/client.js`);

const key = fc.oneof(
  fc.constantFrom("__proto__", "", "0", "00", "4294967294", "4294967295", "9007199254740993"),
  fc.nat(60).map(String),
  fc.nat(60).map((i) => `user ${i}`),
  fc.string({ maxLength: 3 }),
);
const keys = fc.oneof(fc.uniqueArray(key, { maxLength: 8 }), fc.uniqueArray(key, { maxLength: 80 }));
const step = fc.oneof(
  fc.record({ what: fc.constantFrom("set", "delete", "get", "get"), keys }),
  fc.record({ what: fc.constantFrom("add and take back", "fill"), keys }),
  fc.constant({ what: "list", keys: [] }),
  fc.record({ what: fc.constant("clear"), keys: fc.constant([]) }),
);
const steps = fc.array(step, { maxLength: 60 });

const without = (prototype) => Object.assign(Object.create(null), prototype);

// Does a step to both, and compares what they say of it.
function take({ what, keys }, table, object, number) {
  const value = (key) => `${key} ${number}`;
  switch (what) {
    case "set": {
      const positions = table.locate(keys, true);
      keys.forEach((key, i) => {
        assert.equal(table.at(positions[i]), object[key]);
        assert.ok(table.isFound(positions[i]));
        table.set(positions[i], value(key));
        object[key] = value(key);
      });
      return;
    }
    case "delete": {
      const positions = table.locate(keys, false);
      keys.forEach((key, i) => {
        assert.equal(positions[i] >= 0, key in object);
        if (positions[i] >= 0) table.delete(positions[i]);
        delete object[key];
      });
      return;
    }
    case "get":
      for (const key of keys) assert.equal(table.get(key), object[key]);
      return;
    case "add and take back": {
      if (keys.length > 0) assert.equal(table.locate([...keys, keys[0]], true), null);
      const positions = table.locate(keys, true);
      const known = new Set(positions.filter((_, i) => keys[i] in object));
      table.forEach((_key, _value, position) => assert.equal(table.isFound(position), known.has(position)));
      table.release(positions);
      return;
    }
    case "fill":
      if (table.size > 0) return;
      if (keys.length > 0) assert.ok(!table.fill({ keys: [...keys, keys[0]], values: [...keys, ""] }, false));
      assert.equal(table.size, 0);
      for (const key of keys) object[key] = value(key);
      assert.ok(table.fill({ keys: Object.keys(object), values: Object.values(object) }, number % 2 === 0));
      return;
    case "clear":
      table.clear();
      for (const key of Object.keys(object)) delete object[key];
      return;
    case "list":
      assert.deepEqual(table.list((key, value) => [key, value]), Object.entries(object));
  }
}

test("it does what an object does, in the same order", () => {
  fc.assert(
    fc.property(steps, (steps) => {
      const table = new Table();
      const object = without({});
      for (const [number, step] of steps.entries()) {
        take(step, table, object, number);
        assert.equal(table.size, Object.keys(object).length);
      }
      const each = [];
      table.forEach((key, value, position) => {
        each.push([key, value]);
        assert.equal(table.at(position), value);
      });
      assert.deepEqual(each, Object.entries(object));
      assert.deepEqual(table.list((key, value) => [key, value]), Object.entries(object));
    }),
    { numRuns: 2_000 },
  );
});

test("where members come and go for long, those who have gone take no room", () => {
  const table = new Table();
  let most = 0;
  for (let i = 0; i < 100_000; i++) {
    const [position] = table.locate([`guest ${i}`], true);
    most = Math.max(most, position);
    table.set(position, i);
    if (i >= 100) table.delete(table.locate([`guest ${i - 100}`], false)[0]);
  }
  assert.equal(table.size, 100);
  assert.ok(most < 1_000, `positions up to ${most}`);
});

test("after most have gone there is a list of the others without all of those", () => {
  const table = new Table();
  const keys = Array.from({ length: 10_000 }, (_, i) => `user ${i}`);
  table.fill({ keys, values: keys }, true);
  for (const position of table.locate(keys.slice(10), false)) table.delete(position);
  table.locate([], true);
  assert.deepEqual(table.list((key) => key), keys.slice(0, 10));
  assert.ok(table.locate(["ada"], true)[0] < 100);
});

test("who stays while a list is made is in it, once and in order, whoever else comes and goes", () => {
  const keys = ["1", "2", "3", "4", "a", "b"];
  const table = new Table();
  const leave = (...keys) => table.locate(keys, false).forEach((position) => table.delete(position));
  const come = (key) => table.set(table.locate([key], true)[0], key);
  const list = (isIndexed, change) => {
    table.clear();
    table.fill({ keys, values: keys }, true);
    if (isIndexed) table.get("1");
    return table.list((key, value) => {
      assert.equal(value, key);
      change(key);
      return key;
    });
  };
  for (const isIndexed of [true, false]) {
    const listed = list(isIndexed, (key) => key === "1" && leave("1", "2"));
    assert.deepEqual(listed.filter((key) => key !== "2"), ["1", "3", "4", "a", "b"]);
    const comeAndGo = list(isIndexed, (key) => {
      if (key === "1") come("5");
      if (key === "a") leave("1", "2", "3", "4", "5");
    });
    assert.deepEqual(comeAndGo, keys);
    const replaced = list(isIndexed, (key) => {
      if (key !== "1") return;
      table.clear();
      table.fill({ keys: ["x"], values: ["x"] }, true);
    });
    assert.deepEqual(replaced, keys);
  }
});
