// The clients that must all work: npm `phoenix` as it is, our package, and each one's Presence on the
// other's channels.

import * as phoenix from "phoenix";
import WebSocket from "ws";

import { PACKAGE } from "./server.js";

const herenow = await import(`${PACKAGE}/index.js`);

export const CLIENTS = [
  { client: "npm phoenix", Socket: phoenix.Socket, Presence: phoenix.Presence },
  { client: "herenow", Socket: herenow.Socket, Presence: herenow.Presence },
  { client: "npm phoenix with herenow's Presence", Socket: phoenix.Socket, Presence: herenow.Presence },
  { client: "herenow with npm phoenix's Presence", Socket: herenow.Socket, Presence: phoenix.Presence },
];

// Reconnect and rejoin at once: the tests wait for what happens, not for a back-off.
const IMPATIENT = { reconnectAfterMs: () => 20, rejoinAfterMs: () => 20 };

// A user on one device, by the guide to Presence. `lines` is what the guide's page would show.
export class Device {
  constructor({ Socket, Presence }, server, user, { room = "lobby", params = {}, socket = {} } = {}) {
    this.rendered = 0;
    this.socket = new Socket(server.socket, {
      params: { user_id: user }, transport: WebSocket, ...IMPATIENT, ...socket,
    });
    this.socket.connect();
    this.channel = this.socket.channel(`room:${room}`, params);
    this.presence = new Presence(this.channel);
    this.presence.onSync(() => {
      this.rendered += 1;
      this.lines = render(this.presence);
    });
    this.channel.join();
  }

  // Whether the page shows exactly these lines, in whatever order.
  shows(...lines) {
    return this.lines?.toSorted().join("\n") === lines.toSorted().join("\n");
  }

  // The metas of a user, as the list has them.
  metas(user) {
    return this.presence.list((key, { metas }) => ({ key, metas })).find(({ key }) => key === user)?.metas;
  }

  close() {
    return new Promise((resolve) => this.socket.disconnect(resolve));
  }
}

// The guide's own rendering: presence.list((id, { metas: [first, ...rest] }) => ...).
function render(presence) {
  return presence.list((id, { metas: [first, ...rest] }) => {
    const count = rest.length + 1;
    return `${id} (count: ${first && count})`;
  });
}

// What a push is answered with: { status, response }.
export function answer(push) {
  return new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"]) {
      push.receive(status, (response) => resolve({ status, response }));
    }
  });
}
