// The README says what of phoenix.js is not there.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import * as phoenix from "phoenix";

import * as herenow from "../support/package.js";
import { PACKAGE } from "../support/server.js";

// An object of each class.
function objects({ Socket, Presence, LongPoll, Serializer }) {
  const socket = new Socket("ws://host/socket", { transport: class {} });
  const channel = socket.channel("room:1");
  const poll = new LongPoll("ws://host/socket/websocket");
  poll.close();
  return {
    Socket: socket, Channel: channel, Push: channel.joinPush, Presence: new Presence(channel), LongPoll: poll, Serializer,
  };
}

// What an object has of its own and of its class, and what the class itself has.
function members(object) {
  const { constructor } = object;
  const places = constructor === Object ? [object] : [object, constructor.prototype, constructor];
  return new Set(places.flatMap((place) => Object.getOwnPropertyNames(place)));
}

test("what phoenix.js has and herenow has not is named in the README, and nothing else", () => {
  const readme = readFileSync(join(PACKAGE, "README.md"), "utf8");
  const rows = readme.slice(readme.indexOf("### Not there")).split("\n").filter((line) => line.startsWith("| `"));
  const named = rows.flatMap((row) => {
    const [, name, list] = row.split("|");
    return [...list.matchAll(/`(\w+)`/g)].map(([, member]) => `${name.trim().replaceAll("`", "")}.${member}`);
  });
  const theirs = objects(phoenix);
  const ours = objects(herenow);
  const missing = Object.entries(theirs).flatMap(([name, object]) => {
    const has = members(ours[name]);
    return [...members(object)].filter((member) => !has.has(member)).map((member) => `${name}.${member}`);
  });
  assert.deepEqual(named.sort(), missing.sort());
});
