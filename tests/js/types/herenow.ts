// What herenow's types say. An expected error that does not come is an error itself.

import {
  type Channel, LongPoll, Presence, type PresenceEntry, type Push, Serializer, Socket, type SocketOptions,
} from "herenow";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
// The type must be just this one.
const is = <A>() => ({ same: <B>(_: B, ..._yes: Same<A, B> extends true ? [] : [never]) => {} });

// The generics of channels and pushes.

interface Events {
  shout: { body: string };
  count: number;
}
const socket = new Socket("/socket", { transport: LongPoll });
const channel = socket.channel<Events>("room:1");
channel.on("shout", (payload, ref) => {
  is<{ body: string }>().same(payload);
  is<string | null>().same(ref);
});
channel.on("count", (count) => is<number>().same(count));
// @ts-expect-error: a count is a number
channel.on("count", (count: string) => count);
channel.on("phx_reply", (payload) => payload.anything);
const anyChannel: Channel = channel;
// @ts-expect-error: channels are made by sockets
new (null! as typeof Channel)();

const push: Push<{ id: number }, { reason: string }> = channel.push("shout", { body: "" });
push
  .receive("ok", (response) => is<{ id: number }>().same(response))
  .receive("error", (response) => is<{ reason: string }>().same(response))
  .receive("timeout", () => {})
  .receive("of my own", (response) => response.anything);
channel.push("bytes", new ArrayBuffer(1));
channel.push("nothing");
channel.join<{ members: number }>().receive("ok", ({ members }) => is<number>().same(members));

// @ts-expect-error: states are set by what happens
channel.state = "joined";

// Options.

const storage = new Map<string, string>();
const options: SocketOptions = {
  params: () => ({ user: { id: 1 } }),
  authToken: () => "secret",
  longPollFallbackMs: 2500,
  sessionStorage: { getItem: (key) => storage.get(key) ?? null, setItem: (key, value) => storage.set(key, value) },
  encode: (message, callback) => callback(Serializer.encode(message, (frame) => frame)),
  decode: (frame, callback) => Serializer.decode(frame, callback),
};
// @ts-expect-error: it is called transport
new Socket("/socket", { ...options, transports: LongPoll });
// @ts-expect-error: a number of ms
new Socket("/socket", { longPollFallbackMs: true });
// @ts-expect-error: without a topic it goes nowhere
socket.push({ event: "e" });
socket.onMessage(({ topic, ref, join_ref }) => {
  is<string>().same(topic);
  is<string | null>().same(ref ?? join_ref);
});
is<string>().same(Serializer.decode("[]", ({ topic }) => topic));

// Presences, with and without a type for their metas.

interface Meta {
  device: "phone" | "desk";
}
interface Fields {
  user: { name: string };
}
const presence = new Presence<Meta, Fields>(anyChannel);
presence.onJoin((key, current, joined) => {
  is<string>().same(key);
  is<PresenceEntry<Meta, Fields> | undefined>().same(current);
  is<string>().same(joined.user.name);
});
presence.onLeave((_key, current) => is<string | undefined>().same(current.metas[0]?.phx_ref));
is<("phone" | "desk" | undefined)[]>().same(presence.list((_key, { metas: [first] }) => first?.device));
is<PresenceEntry<Meta, Fields>[]>().same(presence.list());
// @ts-expect-error: there is no such meta
presence.list((_key, { metas }) => metas[0]?.color);

const plain = new Presence<Meta>(anyChannel);
// @ts-expect-error: and nothing is said to stand beside the metas
plain.list((_key, entry) => entry.user);

const untyped = new Presence(anyChannel);
is<any[]>().same(untyped.list());
untyped.list((_key, { metas: [first], user }) => `${first.anything} ${user.name}`);
