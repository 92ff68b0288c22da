// Long polling, whoever wrote the socket and whoever the transport.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as phoenix from "phoenix";
import WebSocket from "ws";

import { Device, answer } from "../support/clients.js";
import * as herenow from "../support/package.js";
import { proxyWithoutWebSockets } from "../support/proxy.js";
import { startServer } from "../support/server.js";
import { until } from "../support/wait.js";

const LIBRARIES = { phoenix, herenow };

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

let rooms = 0;
const newRoom = () => `longpoll-${++rooms}`;

// A WebSocket that gets nowhere.
class BlockedWebSocket {
  readyState = 0;

  constructor() {
    setTimeout(() => {
      this.readyState = 3;
      this.onerror({});
      this.onclose({ code: 1006 });
    });
  }

  close() {}
}

for (const socketOf of Object.keys(LIBRARIES)) {
  const library = LIBRARIES[socketOf];

  for (const transportOf of Object.keys(LIBRARIES)) {
    const polling = (room, user, socket) => new Device(library, server, user, {
      room, socket: { transport: LIBRARIES[transportOf].LongPoll, ...socket },
    });
    const name = `the socket of ${socketOf} with the LongPoll of ${transportOf}`;

    test(`${name}: those who poll and those who do not see each other`, async () => {
      const room = newRoom();
      const alice = polling(room, "Alice");
      const bob = new Device(library, server, "Bob", { room });
      for (const device of [alice, bob]) {
        await until("both see both", () => device.shows("Alice (count: 1)", "Bob (count: 1)"));
      }
      bob.channel.push("shout", { text: "grüße 😀" });
      alice.channel.on("shout", ({ text }) => (alice.heard = text));
      await until("Alice hears Bob", () => alice.heard === "grüße 😀");
      bob.channel.leave();
      await until("Alice sees Bob leave", () => alice.shows("Alice (count: 1)"));
      await Promise.all([alice.close(), bob.close()]);
    });

    test(`${name}: who leaves the channel is gone at once`, async () => {
      const room = newRoom();
      const alice = polling(room, "Alice");
      const bob = new Device(library, server, "Bob", { room });
      await until("both are there", () => bob.shows("Alice (count: 1)", "Bob (count: 1)"));
      alice.channel.leave();
      await until("Alice is gone", () => bob.shows("Bob (count: 1)"));
      await Promise.all([alice.close(), bob.close()]);
    });

    test(`${name}: more pushes than one request carries are answered in order`, async () => {
      const alice = polling(newRoom(), "Alice");
      await until("Alice is there", () => alice.shows("Alice (count: 1)"));
      const numbers = Array.from({ length: 250 }, (_, n) => n);
      const answered = [];
      await Promise.all(numbers.map(async (n) => {
        const { response } = await answer(alice.channel.push("ping", { n }));
        answered.push(response.n);
      }));
      assert.deepEqual(answered, numbers);
      await alice.close();
    });

    test(`${name}: a session that is gone is followed by another one, and all join again`, () =>
      withServer([], async (own) => {
        const alice = new Device(library, own, "Alice", {
          room: "again", socket: { transport: LIBRARIES[transportOf].LongPoll },
        });
        await until("Alice is there", () => alice.shows("Alice (count: 1)"));
        const before = alice.channel.joinRef();
        await own.restart();
        await until("Alice joined again", () => alice.channel.isJoined() && alice.channel.joinRef() !== before);
        await until("and sees herself", () => !alice.presence.inPendingSyncState());
        await alice.close();
      }));
  }

  test(`the socket of ${socketOf} falls back to polling where WebSockets do not get through`, async () => {
    const room = newRoom();
    const alice = new Device(library, server, "Alice", {
      room, socket: { transport: BlockedWebSocket, longPollFallbackMs: 2500 },
    });
    await until("Alice is there", () => alice.shows("Alice (count: 1)"));
    assert.equal(alice.socket.transport, library.LongPoll);
    await alice.close();
  });

  test(`the socket of ${socketOf} falls back to polling behind a proxy that knows no WebSockets`, async () => {
    const room = newRoom();
    const proxy = await proxyWithoutWebSockets(server);
    const alice = new Device(library, proxy, "Alice", { room, socket: { longPollFallbackMs: 2500 } });
    const bob = new Device(library, server, "Bob", { room });
    for (const device of [alice, bob]) {
      await until("both see both", () => device.shows("Alice (count: 1)", "Bob (count: 1)"));
    }
    assert.equal(alice.socket.transport, library.LongPoll);
    assert.equal(bob.socket.transport, WebSocket);
    await Promise.all([alice.close(), bob.close()]);
    await proxy.close();
  });

  test(`the socket of ${socketOf} polls from two devices: a user is counted until the last is gone`, () =>
    withServer(["--longpoll-window", "1s"], async (own) => {
      const bob = new Device(library, own, "Bob");
      const polling = { socket: { transport: library.LongPoll } };
      const laptop = new Device(library, own, "Alice", polling);
      const phone = new Device(library, own, "Alice", polling);
      for (const device of [laptop, phone, bob]) {
        await until("all see all", () => device.shows("Alice (count: 2)", "Bob (count: 1)"));
      }
      // Without a word: nothing but its silence tells the server.
      await phone.close();
      for (const device of [laptop, bob]) {
        await until("the count falls", () => device.shows("Alice (count: 1)", "Bob (count: 1)"));
      }
      await laptop.close();
      await until("Alice is gone", () => bob.shows("Bob (count: 1)"));
      await bob.close();
    }));

  test(`the socket of ${socketOf} polls again after an orderly stop, which waits for no poll to end`, () =>
    withServer(["--longpoll-window", "1h", "--shutdown-grace", "1h"], async (own) => {
      const alice = new Device(library, own, "Alice", { socket: { transport: library.LongPoll } });
      await until("Alice is there", () => alice.shows("Alice (count: 1)"));
      const before = alice.metas("Alice")[0].phx_ref;
      await own.stop();
      await own.start();
      await until("Alice is there again", () => alice.metas("Alice")[0].phx_ref !== before);
      assert.ok(alice.shows("Alice (count: 1)"));
      await alice.close();
    }));

  test(`the socket of ${socketOf} comes back where no more may poll, until there is room`, () =>
    withServer(["--max-longpoll-sessions", "1", "--longpoll-window", "1s"], async (own) => {
      const polling = { socket: { transport: library.LongPoll } };
      const first = new Device(library, own, "First", polling);
      await until("the first is there", () => first.shows("First (count: 1)"));
      const second = new Device(library, own, "Second", polling);
      let refusals = 0;
      second.socket.onError(() => (refusals += 1));
      await until("the second is refused, and tries again", () => refusals > 2);
      await first.close();
      await until("there is room", () => second.shows("Second (count: 1)"));
      await second.close();
    }));
}

// Runs a script with a server of its own.
async function withServer(flags, script) {
  const own = await startServer({ flags });
  try {
    await script(own);
  } finally {
    await own.stop();
  }
}
