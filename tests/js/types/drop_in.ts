// An application that was written with @types/phoenix. It compiles with those, and with herenow's types when
// "phoenix" stands for herenow.

import {
  type BinaryType, Channel, type ChannelState, type ConnectionState, LongPoll, type MessageRef, Presence,
  type PresenceOnJoinCallback, type PresenceOnLeaveCallback, type PresenceOpts, Push, type PushStatus, Socket,
  type SocketConnectOption,
} from "phoenix";

interface User {
  name: string;
  metas: { phx_ref: string; online_at: number }[];
}

const binaryType: BinaryType = "arraybuffer";
const options: Partial<SocketConnectOption> = {
  params: { token: "t" },
  authToken: "secret",
  transport: WebSocket,
  timeout: 1000,
  heartbeatIntervalMs: 1000,
  longPollFallbackMs: 2500,
  longpollerTimeout: 1000,
  reconnectAfterMs: (tries: number) => tries * 10,
  rejoinAfterMs: (tries) => tries,
  logger: (kind: string, message: string, data: any) => console.log(kind, message, data),
  encode: (payload: object, callback: (encoded: any) => void | Promise<void>) => callback(JSON.stringify(payload)),
  decode: (payload: string, callback: (decoded: any) => void | Promise<void>) => callback(JSON.parse(payload)),
  sessionStorage: window.sessionStorage,
  binaryType,
  vsn: "2.0.0",
  debug: true,
};

const socket = new Socket("/socket", options);
new Socket("/socket");
new Socket("/socket", { transport: LongPoll, params: () => ({ a: 1 }) });
socket.connect();
socket.connect({ user: 1 });
const refs: MessageRef[] = [
  socket.onOpen(() => {}),
  socket.onOpen(async () => {}),
  socket.onClose((event: CloseEvent) => console.log(event.code, event.wasClean)),
  socket.onError((error, transport, establishedConnections: number) => console.log(error, transport, establishedConnections)),
  socket.onError((error: Event | string | number) => console.log(error)),
  socket.onMessage((message: object) => console.log(message)),
];
socket.off(refs);
const state: ConnectionState = socket.connectionState();
const measured: boolean = socket.ping((latency: number) => console.log(latency));
const words: string[] = [socket.protocol(), socket.endPointURL(), socket.makeRef(), state];
if (socket.isConnected() && socket.hasLogger()) socket.log("kind", "message", { words, measured });
socket.push({ topic: "t", event: "e", payload: {}, ref: socket.makeRef() });
socket.replaceTransport(LongPoll);
socket.disconnect(() => {}, 1000, "bye");
socket.disconnect(async () => {});

const channel: Channel = socket.channel("room:1", { token: "t" });
const channelState: ChannelState = channel.state;
channel
  .join(1000)
  .receive("ok", (response) => console.log(response.messages[0].body))
  .receive("ok", ({ messages }: { messages: string[] }) => console.log(messages))
  .receive("error", (reason: { reason: string }) => console.log(reason))
  .receive("timeout", () => console.log(channelState));
const status: PushStatus = "ok";
const push: Push = channel.push("shout", { body: "hi" }, 1000);
push.receive(status, async (response?: any) => response);
const ref: number = channel.on("shout", ({ body }) => console.log(body.length));
channel.on("shout", (payload: { body: string }) => console.log(payload.body));
channel.on("shout", async (payload?: any) => payload);
channel.off("shout", ref);
channel.off("shout");
channel.onClose((payload: any, closedRef: any, joinRef: any) => console.log(payload, closedRef, joinRef));
channel.onError((reason) => console.log(reason.message));
channel.onError(async () => {});
channel.onMessage = (event: string, payload: any, messageRef: any) => (messageRef ? payload : { event });
channel.leave().receive("ok", () => socket.remove(channel));

function useChannel(joined: Channel): Push {
  return joined.push("event", {});
}
useChannel(channel);

const opts: PresenceOpts = { events: { state: "state", diff: "diff" } };
const presence = new Presence(channel, opts);
new Presence(channel);
const onJoin: PresenceOnJoinCallback = (id?: string, current?: any, joined?: any) => console.log(id, current, joined);
const onLeave: PresenceOnLeaveCallback = (id?: string, current?: User, left?: User) =>
  console.log(id, current?.metas.length, left?.name);
presence.onJoin(onJoin);
presence.onJoin((id, current, joined) => console.log(id, current.metas.length, joined.metas[0].online_at));
presence.onLeave(onLeave);
presence.onLeave((id?: string, current?: User) => console.log(id, current?.name));
presence.onSync(() => {});
presence.onSync(async () => {});
const pending: boolean = presence.inPendingSyncState();
const users: User[] = presence.list();
const names: string[] = presence.list((id: string, { metas: [first, ...rest] }: User) => `${id} ${first} ${rest}`);
const times = presence.list<number>((_id, user) => user.metas[0].online_at);
console.log(pending, users, names, times.map((time: number) => time + 1));

// The way of before there was an object for it.
let presences = {};
channel.on("presence_state", (next) => {
  presences = Presence.syncState(presences, next, onJoin, onLeave);
});
channel.on("presence_diff", (diff) => {
  presences = Presence.syncDiff(presences, diff);
  presences = Presence.syncDiff(presences, { joins: {}, leaves: {} }, (id, current, joined) => console.log(id, current, joined));
  const listed: User[] = Presence.list(presences, (_id, user) => user);
  console.log(listed, Presence.list(presences).length);
});
