// What a network, a server, a page and a machine do to a connection, in a real browser: after each of these the
// list of everybody is the server's, with everybody in it once, and nobody has joined twice on a connection.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { launch, withTabs } from "../support/browser.js";
import { CLIENTS, Device } from "../support/clients.js";
import { pages } from "../support/pages.js";
import { relayTo } from "../support/relay.js";
import { startServer } from "../support/server.js";
import { until } from "../support/wait.js";

const { www, remove } = pages();
const KINDS = ["herenow", "rust"];

// Playwright turns the cache for pages that come back off.
const WITH_PAGE_CACHE = { ignoreDefaultArgs: ["--disable-back-forward-cache"] };

let browser;
let server;
let relay;
before(async () => {
  const flags = ["--idle-timeout", "2s"];
  [browser, server] = await Promise.all([launch(WITH_PAGE_CACHE), startServer({ www, flags })]);
  relay = await relayTo(server);
});
beforeEach(() => server.start());
after(async () => {
  await Promise.all([browser?.close(), relay?.close(), server?.stop()]);
  remove();
});

const OBSERVER = "the observer";

// What the server says to one who has just come: { user: [phx_ref] }, without that one.
async function serversList(room) {
  const observer = new Device(CLIENTS[0], server, OBSERVER, { room });
  try {
    await until("the observer is in", () => observer.metas(OBSERVER));
    return listOf(observer.presence.list((key, { metas }) => [key, metas.map(({ phx_ref }) => phx_ref)]));
  } finally {
    await observer.close();
  }
}

const listOf = (entries) => Object.fromEntries(entries.filter(([key]) => key !== OBSERVER).sort());

// A room with pages in it. `tabs` maps each to the users that are on it.
class Room {
  #tabs = new Map();
  #joins = new Map();

  constructor(kind, name) {
    this.kind = kind;
    this.name = `${kind}-${name}`;
  }

  async enter(open, users, http = server.http) {
    const query = new URLSearchParams({ client: this.kind, room: this.name, users: users.join() });
    // Loaded from another page, so that connections are watched from the first one on.
    const tab = await open(`${http}/away.html`);
    tab.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => {
        if (String(payload).includes('"phx_join"')) this.#joins.set(socket, (this.#joins.get(socket) ?? 0) + 1);
      });
    });
    await tab.goto(`${http}/?${query}`);
    await tab.waitForFunction(() => globalThis.views);
    this.#tabs.set(tab, users);
    return tab;
  }

  get users() {
    return [...this.#tabs.values()].flat().sort();
  }

  // Waits until all pages, and the server, have all the users, once each, and the same connections of them.
  async isWhole() {
    let seen;
    const agrees = async () => {
      const truth = await serversList(this.name);
      const views = (await Promise.all([...this.#tabs.keys()].map((tab) => tab.evaluate(() => views())))).flat();
      seen = JSON.stringify({ truth, views });
      const once = Object.values(truth).every((refs) => refs.length === 1);
      const text = JSON.stringify(truth);
      return (
        once && Object.keys(truth).join() === this.users.join() &&
        views.every((view) => JSON.stringify(listOf(Object.entries(view))) === text)
      );
    };
    await until("the lists are the server's, with everybody once", agrees).catch((error) => {
      throw new Error(`${error.message}: ${seen}`);
    });
    for (const [socket, joins] of this.#joins) assert.equal(joins, 1, `joins over ${socket.url()}`);
  }

  // Waits until `tab` sees exactly these users.
  async sees(tab, ...users) {
    const keys = () => tab.evaluate(() => Object.keys(views()[0]).sort().join());
    await until(`${users} are seen`, async () => (await keys()) === users.sort().join());
  }

  // Waits until the pages have made so many connections that joined.
  joined(count) {
    return until(`${count} joins`, () => this.#joins.size >= count);
  }

  get joins() {
    return this.#joins.size;
  }
}

const crowd = (name, size) => Array.from({ length: size }, (_, i) => `${name}${i}`);

for (const kind of KINDS) {
  test(`${kind}: a storm of cut connections`, () =>
    withTabs(browser, `storm-${kind}`, async (open) => {
      const room = new Room(kind, "storm");
      for (const name of ["a", "b"]) await room.enter(open, crowd(name, 10), relay.http);
      await room.isWhole();
      // Again and again in the middle of the joins.
      for (const share of [1, 0.5, 0.2, 0.8, 0.1, 0.6]) {
        const before = room.joins;
        relay.cut();
        await room.joined(before + Math.ceil(share * room.users.length));
      }
      await room.isWhole();
    }));

  test(`${kind}: a server that restarts three times`, () =>
    withTabs(browser, `restarts-${kind}`, async (open) => {
      const room = new Room(kind, "restarts");
      for (const name of ["a", "b"]) await room.enter(open, crowd(name, 5));
      await room.isWhole();
      for (const way of ["kill", "stop", "kill"]) {
        const before = room.joins;
        await server[way]();
        await server.start();
        await room.joined(before + 1);
      }
      await room.isWhole();
    }));

  test(`${kind}: a page that is offline until the server has given it up`, () =>
    withTabs(browser, `offline-${kind}`, async (open) => {
      const room = new Room(kind, "offline");
      const alice = await room.enter(open, ["Alice"]);
      const bob = await room.enter(open, ["Bob"]);
      await room.isWhole();
      await alice.context().setOffline(true);
      await room.sees(bob, "Bob");
      await room.sees(alice, "Alice", "Bob");
      await alice.context().setOffline(false);
      await room.isWhole();
    }));

  test(`${kind}: a page that is put away, frozen, and taken out again`, () =>
    withTabs(browser, `away-${kind}`, async (open) => {
      const room = new Room(kind, "away");
      const alice = await room.enter(open, ["Alice"]);
      const bob = await room.enter(open, ["Bob"]);
      await room.isWhole();
      await alice.evaluate(() => {
        globalThis.events = [];
        const note = ({ type }) => events.push(type);
        for (const type of ["pagehide", "pageshow"]) addEventListener(type, note);
        for (const type of ["visibilitychange", "freeze", "resume"]) document.addEventListener(type, note);
        location.href = "/away.html";
      });
      await room.sees(bob, "Bob");
      await alice.waitForURL(/away/);
      await alice.evaluate(() => history.back());
      await alice.waitForFunction(() => globalThis.events?.includes("pageshow"));
      const events = await alice.evaluate(() => globalThis.events);
      assert.deepEqual(events, ["pagehide", "visibilitychange", "freeze", "resume", "visibilitychange", "pageshow"]);
      await room.isWhole();
    }));

  test(`${kind}: a machine that sleeps, and one whose server restarts meanwhile`, () =>
    withTabs(browser, `sleep-${kind}`, async (open) => {
      const laptop = await launch();
      try {
        await withTabs(laptop, `sleep-laptop-${kind}`, async (openOnLaptop) => {
          const room = new Room(kind, "sleep");
          const bob = await room.enter(open, ["Bob"]);
          const alice = await room.enter(openOnLaptop, ["Alice"]);
          await room.isWhole();
          for (const restart of [false, true]) {
            const wake = await sleep(laptop);
            try {
              await room.sees(bob, "Bob");
              if (restart) await server.restart();
            } finally {
              wake();
            }
            await room.sees(alice, "Alice", "Bob");
            await room.isWhole();
          }
        });
      } finally {
        await laptop.close();
      }
    }));
}

// Stops what runs pages and speaks to the network, as a machine does that falls asleep. Returns what wakes it.
async function sleep(laptop) {
  const session = await laptop.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const asleep = processInfo.filter(({ type }) => type === "renderer" || type.startsWith("network."));
  assert.ok(asleep.length >= 2, JSON.stringify(processInfo));
  const signal = (name) => asleep.forEach(({ id }) => process.kill(id, name));
  signal("SIGSTOP");
  return () => signal("SIGCONT");
}
