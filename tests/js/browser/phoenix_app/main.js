// An application written against npm `phoenix`, as its documentation teaches it: it knows of nothing else.
// ?name= says who, ?room= where, and ?poll that it does without WebSockets.

import { LongPoll, Presence, Socket } from "phoenix";

const query = new URLSearchParams(location.search);
const lines = [];

// What happened, for whoever looks.
window.app = {
  heard: [],
  joined: [],
  left: [],
  log: lines,
  answers: {},
  say: (text) => answer("shout", channel.push("shout", { text })),
  ping: (payload) => answer("ping", channel.push("ping", payload)),
  update: (meta) => answer("update", channel.push("update", meta)),
  leave: () => answer("leave", channel.leave()),
  state: () => [socket.connectionState(), channel.state],
  people: () => presence.list((id, { metas }) => [id, metas.length, metas.map(({ device }) => device)]),
};

const socket = new Socket("/socket", {
  params: () => ({ user_id: query.get("name"), nested: { ignored: true } }),
  transport: query.has("poll") ? LongPoll : WebSocket,
  reconnectAfterMs: (tries) => [50, 100, 200][tries - 1] || 500,
  logger: (kind, message) => lines.push(`${kind}: ${message}`),
});
socket.onOpen(() => lines.push("open"));
socket.onError(() => lines.push("error"));
socket.onClose(() => lines.push("close"));
socket.connect();

const channel = socket.channel(`room:${query.get("room")}`, () => ({ meta: { device: "app" } }));
const presence = new Presence(channel);

presence.onJoin((id, current, joined) => app.joined.push([id, Boolean(current), joined.metas.length]));
presence.onLeave((id, current, left) => app.left.push([id, current.metas.length, left.metas.length]));
presence.onSync(() => {
  const items = presence.list((id, { metas: [first, ...rest] }) => {
    const item = document.createElement("li");
    item.textContent = `${id} (count: ${rest.length + 1})`;
    return item;
  });
  document.querySelector("#presences").replaceChildren(...items);
});

const ref = channel.on("shout", ({ text }) => app.heard.push(text));
channel.on("shout", () => channel.off("shout", ref));

channel
  .join()
  .receive("ok", () => lines.push("joined"))
  .receive("error", ({ reason }) => lines.push(`refused: ${reason}`))
  .receive("timeout", () => lines.push("timeout"));

function answer(name, push) {
  for (const status of ["ok", "error", "timeout"]) {
    push.receive(status, (response) => (app.answers[name] = [status, response]));
  }
}
