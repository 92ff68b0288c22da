// The LongPoll of npm phoenix and ours, with the same server: they ask the same and report the same.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as phoenix from "phoenix";

import { LongPoll } from "../support/package.js";
import { polling } from "../support/polling.js";

const URL = "ws://host/socket/websocket?vsn=2.0.0";

// Runs a script with one transport. Returns everything that can be seen of it.
function record(Transport, script, protocols) {
  return polling(async (world) => {
    const told = [];
    const transport = new Transport(URL, protocols);
    transport.timeout = 20_000;
    for (const event of ["open", "message", "error", "close"]) {
      transport[`on${event}`] = (detail) => {
        told.push(`${event} ${words(event, detail)}`);
        world.on?.(event);
      };
    }
    await script(transport, world);
    const { requests, headers, waiting } = world;
    return { told, requests, headers, waiting };
  });
}

function words(event, detail) {
  if (event === "close") return `${detail.code} ${detail.reason ?? ""} ${detail.wasClean}`;
  return event === "message" ? detail.data : JSON.stringify(detail);
}

function same(name, script, protocols) {
  test(name, async () => {
    const ours = await record(LongPoll, script, protocols);
    assert.deepEqual(ours, await record(phoenix.LongPoll, script, protocols));
  });
}

same("opening, polling, and receiving in order", async (transport, world) => {
  await world.open();
  await world.answer("GET", { status: 204, token: "T", messages: [] });
  await world.answer("GET", { status: 200, token: "T&2", messages: ["[1]", "[2]", "[3]"] });
  await world.answer("GET", { status: 200, token: "T&2", messages: ["[4]"] });
});

same("what is sent in one go travels in one request, and the rest after its answer", async (transport, world) => {
  await world.open();
  transport.send("[1]");
  transport.send("[2]");
  await world.pass();
  transport.send("[3]");
  await world.pass();
  transport.send("[4]");
  await world.answer("POST", { status: 200 });
  await world.answer("POST", { status: 200 });
  transport.send("[5]");
  await world.pass();
});

same("a hundred messages are the most that one request carries", async (transport, world) => {
  await world.open();
  for (let i = 0; i < 250; i++) transport.send(`[${i}]`);
  await world.pass();
  for (let i = 0; i < 3; i++) await world.answer("POST", { status: 200 });
});

same("bytes travel as base64", async (transport, world) => {
  await world.open();
  transport.send(Uint8Array.from({ length: 256 }, (_, i) => i).buffer);
  await world.pass();
});

same("the token of the user goes into a header", async (transport, world) => world.open(), [
  "phoenix", `base64url.bearer.phx.${btoa("secret!!").replace(/=/g, "")}`,
]);

for (const status of [403, 500]) {
  same(`the server answers ${status} at once`, async (transport, world) => {
    await world.pass();
    await world.answer("GET", { status });
  });
}

same("the session is gone", async (transport, world) => {
  await world.open();
  await world.answer("GET", { status: 410, token: "U", messages: [] });
});

same("a request does not get through", async (transport, world) => {
  await world.open();
  await world.breakOff("GET");
});

same("nobody answers", async (transport, world) => {
  await world.open();
  await world.pass(20_000);
});

for (const status of [408, 410]) {
  same(`a message is answered with ${status}`, async (transport, world) => {
    await world.open();
    transport.send("[1]");
    await world.pass();
    transport.send("[2]");
    await world.answer("POST", { status });
  });
}

same("a message does not get through", async (transport, world) => {
  await world.open();
  transport.send("[1]");
  await world.pass();
  await world.breakOff("POST");
});

same("closing ends all requests, and nothing is heard or sent any more", async (transport, world) => {
  await world.open();
  transport.send("[1]");
  await world.pass();
  transport.send("[2]");
  transport.close(4001, "enough");
  await world.pass(60_000);
});

same("closing without a code", async (transport, world) => {
  await world.open();
  transport.send("[1]");
  transport.close();
  await world.pass();
});

same("closing before the first request", async (transport, world) => {
  transport.close();
  await world.pass();
});

for (const event of ["open", "message"]) {
  same(`closing in on${event}`, async (transport, world) => {
    world.on = (told) => told === event && transport.close();
    await world.open();
    if (event === "message") await world.answer("GET", { status: 200, token: "T", messages: ["[1]", "[2]"] });
  });
}

// From here on ours does better than phoenix.js.

test("closing twice is told once", async () => {
  const { told } = await record(LongPoll, async (transport, world) => {
    await world.open();
    transport.close();
    transport.close();
  });
  assert.deepEqual(told, ["open {}", "close 1005  true"]);
});

test("what is no answer of such a server ends it", async () => {
  for (const answer of ["<html>", { status: 418 }, "null", ""]) {
    const { told, waiting } = await record(LongPoll, async (transport, world) => {
      await world.pass();
      await world.answer("GET", answer);
    });
    assert.deepEqual(told, ["error 500", "close 1011 internal server error false"]);
    assert.deepEqual(waiting, []);
  }
});

test("without a token there is none in the address", async () => {
  const { requests } = await record(LongPoll, (transport, world) => world.open());
  assert.deepEqual(requests, [
    "GET http://host/socket/longpoll?vsn=2.0.0",
    "GET http://host/socket/longpoll?vsn=2.0.0&token=T",
  ]);
});

test("it is closed before it says so", async () => {
  const states = [];
  await record(LongPoll, async (transport, world) => {
    world.on = () => states.push(transport.readyState);
    await world.open();
    await world.breakOff("GET");
  });
  assert.deepEqual(states, [1, 3, 3]);
});
