// Pages that bring a token to a server with a secret, in a browser, which has its own mind about subprotocols and
// headers: with the npm package, over WebSockets and long poll, and with the frontend in Rust.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, withTabs } from "../support/browser.js";
import { pages } from "../support/pages.js";
import { sign, startGuardedServer } from "../support/token.js";

const { www, remove } = pages();

let browser;
let server;
before(async () => ([browser, server] = await Promise.all([launch(), startGuardedServer({ www })])));
after(async () => {
  await Promise.all([browser?.close(), server?.stop()]);
  remove();
});

// Each enters the room with a token, in the page, and returns what tells who is seen there.
const WAYS = {
  "herenow over WebSockets": async ({ room, token }) => {
    const { Presence, Socket } = await import("/herenow/index.js");
    const socket = new Socket("/socket", { authToken: token });
    const presence = new Presence(socket.channel(`room:${room}`));
    socket.connect();
    presence.channel.join();
    globalThis.seen = () => [...presence.keys()];
  },
  "herenow over long poll": async ({ room, token }) => {
    const { LongPoll, Presence, Socket } = await import("/herenow/index.js");
    const socket = new Socket("/socket", { authToken: () => token, transport: LongPoll });
    const presence = new Presence(socket.channel(`room:${room}`));
    socket.connect();
    presence.channel.join();
    globalThis.seen = () => [...presence.keys()];
  },
  "the frontend in Rust": async ({ room, token }) => {
    document.body.innerHTML = "<ul id=people></ul><ul id=log></ul>";
    const { default: init, enter } = await import("/rust/room.js");
    await init();
    const visit = enter({ name: "somebody else", room }, { authToken: token });
    globalThis.seen = () => visit.people().map(({ key }) => key);
  },
};

for (const [way, enter] of Object.entries(WAYS)) {
  test(`${way}: a token lets a page in, as the user that it names`, () =>
    withTabs(browser, `token-${way.replaceAll(" ", "-")}`, async (open) => {
      const page = async (user) => {
        const tab = await open(`${server.http}/away.html`);
        await tab.evaluate(enter, { room: way, token: sign(user) });
        return tab;
      };
      const tabs = [await page("Alice"), await page("Zoë 😀")];
      for (const tab of tabs) {
        await tab.waitForFunction(() => seen().length === 2);
        assert.deepEqual(await tab.evaluate(() => seen().sort()), ["Alice", "Zoë 😀"]);
      }
    }));
}
