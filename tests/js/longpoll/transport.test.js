// The LongPoll of npm phoenix and ours, with the same server: they ask the same and report the same.

import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";
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

// What can happen while it is open. Of requests that wait for nothing, nothing can happen.
const message = fc.string({ unit: "grapheme", maxLength: 5 });
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant("send"), text: message }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant("receive"), messages: fc.array(message, { maxLength: 3 }) }) },
  { weight: 4, arbitrary: fc.constant({ what: "acknowledge" }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("pass"), ms: fc.constantFrom(0, 5_000, 12_000) }) },
  fc.record({
    what: fc.constant("answer"), method: fc.constantFrom("GET", "POST"), status: fc.constantFrom(204, 403, 408, 410, 500),
  }),
  fc.record({ what: fc.constant("breakOff"), method: fc.constantFrom("GET", "POST") }),
  fc.constant({ what: "close" }),
);

async function happen(transport, world, { what, text, messages, ms, method, status }) {
  const waits = (of) => world.waiting.includes(of);
  if (what === "send") transport.send(text);
  if (what === "pass") await world.pass(ms);
  if (what === "close") transport.close(4001, "enough");
  if (what === "receive" && waits("GET")) await world.answer("GET", { status: 200, token: "T", messages });
  if (what === "acknowledge" && waits("POST")) await world.answer("POST", { status: 200 });
  // It is the polls that may have nothing to tell.
  if (what === "answer" && waits(method) && !(method === "GET" && status === 408)) {
    await world.answer(method, { status, token: "T", messages: [] });
  }
  if (what === "breakOff" && waits(method)) await world.breakOff(method);
}

test("whatever happens, it asks and reports what phoenix.js does", () =>
  fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 30 }), async (happenings) => {
      const script = async (transport, world) => {
        let isOpen = true;
        world.on = (event) => (isOpen &&= event !== "close");
        await world.open();
        for (const next of happenings) if (isOpen) await happen(transport, world, next);
        await world.pass(60_000);
      };
      const ours = await record(LongPoll, script);
      assert.deepEqual(ours, await record(phoenix.LongPoll, script));
    }),
  ));

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
  const session = [{ status: 410 }, { status: 410, token: 7 }];
  const messages = [{ status: 200 }, { status: 200, token: "T", messages: "[1]" }];
  for (const answer of ["<html>", { status: 418 }, "null", "", ...session, ...messages]) {
    const { told, waiting } = await record(LongPoll, async (transport, world) => {
      await world.pass();
      await world.answer("GET", answer);
    });
    assert.deepEqual(told, ["error 500", "close 1011 internal server error false"]);
    assert.deepEqual(waiting, []);
  }
});

test("an answer without messages ends a session too", async () => {
  const { told, waiting } = await record(LongPoll, async (transport, world) => {
    await world.open();
    await world.answer("GET", { status: 200, token: "T" });
  });
  assert.deepEqual(told, ["open {}", "error 500", "close 1011 internal server error false"]);
  assert.deepEqual(waiting, []);
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

test("it goes on when onopen throws, and the error is not swallowed", async () => {
  const listeners = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  const unhandled = new Promise((resolve) => process.once("unhandledRejection", resolve));
  try {
    const { waiting } = await record(LongPoll, async (transport, world) => {
      world.on = () => {
        throw new Error("of the application");
      };
      await world.open();
    });
    assert.deepEqual(waiting, ["GET"]);
    assert.match((await unhandled).message, /of the application/);
  } finally {
    for (const listener of listeners) process.on("unhandledRejection", listener);
  }
});
