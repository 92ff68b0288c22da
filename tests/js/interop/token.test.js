// A server with a secret: who brings a token is let in as the user that it names, over WebSockets (where it
// travels as a subprotocol) and over long poll (where it is a header), and nobody else is.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as phoenix from "phoenix";
import WebSocket from "ws";

import { Device } from "../support/clients.js";
import * as herenow from "../support/package.js";
import { SECRET, sign, startGuardedServer } from "../support/token.js";
import { until } from "../support/wait.js";

let server;
before(async () => (server = await startGuardedServer()));
after(() => server.stop());

let rooms = 0;
const newRoom = () => `token-${++rooms}`;

const REFUSED = {
  "no token": undefined,
  "a token of another secret": sign("Alice", { secret: `not ${SECRET}` }),
  "a token that has expired": sign("Alice", { age: 100, maxAge: 60 }),
  "a token that was tampered with": `${sign("Alice")}x`,
};

for (const [name, library] of Object.entries({ "npm phoenix": phoenix, herenow })) {
  for (const [over, transport] of [["WebSocket", WebSocket], ["LongPoll", library.LongPoll]]) {
    const visit = (room, authToken) =>
      new Device(library, server, "somebody else", { room, socket: { transport, authToken } });

    test(`${name} over ${over}: a token lets in, as the user that it names`, async () => {
      const room = newRoom();
      const alice = visit(room, sign("Alice"));
      const bob = visit(room, sign("Zoë 😀"));
      for (const device of [alice, bob]) {
        await until("both see both", () => device.shows("Alice (count: 1)", "Zoë 😀 (count: 1)"));
      }
      if (transport === WebSocket) assert.equal(alice.socket.conn.protocol, "phoenix");
      assert.ok(!alice.socket.endPointURL().includes("SFMyNTY"), "the token is not in the address");
      await Promise.all([alice.close(), bob.close()]);
    });

    for (const [what, token] of Object.entries(REFUSED)) {
      test(`${name} over ${over}: ${what} does not let in`, async () => {
        const device = visit(newRoom(), token);
        let refusals = 0;
        let opened = 0;
        device.socket.onError(() => (refusals += 1));
        device.socket.onOpen(() => (opened += 1));
        await until("it is refused again and again", () => refusals > 2);
        assert.equal(opened, 0);
        assert.equal(device.lines, undefined);
        await device.close();
      });
    }
  }
}

for (const over of ["WebSocket", "LongPoll"]) {
  test(`herenow over ${over}: a token is asked for before each connection, so an expired one is replaced`, async () => {
    const transport = over === "LongPoll" ? herenow.LongPoll : WebSocket;
    const tokens = [sign("Alice", { age: 100, maxAge: 60 })];
    const authToken = () => tokens.shift() ?? sign("Alice");
    const alice = new Device(herenow, server, "x", { room: newRoom(), socket: { transport, authToken } });
    await until("Alice is in", () => alice.shows("Alice (count: 1)"));
    await alice.close();
  });
}
