// One room over one socket: connects, joins, keeps the list, tells what happened. Knows nothing of the
// page; `tell` is an object of callbacks:
//   people(list)           [{ key, metas }], after every change
//   happened(event)        { kind, key, ... }: joined, left, opened, closed, changed; arrived, back
//   link(state, retryAt?)  "connecting" | "open" | "lost" | "refused"
//   latency(ms)

import { Presence, Socket } from "/herenow/index.js";

const RETRY_AFTER_MS = [500, 1000, 2000, 3000, 5000];
const PING_EVERY_MS = 4000;

export function enter({ name, room, meta, tell }) {
  let retryAt = 0;
  let joinedBefore = false;
  let catchingUp = true;

  const socket = new Socket("/socket", {
    params: { user_id: name },
    reconnectAfterMs: (tries) => {
      const wait = RETRY_AFTER_MS[tries - 1] ?? RETRY_AFTER_MS.at(-1);
      retryAt = Date.now() + wait;
      // The socket reports a loss before it plans the next try, so say it again with the time.
      tell.link("lost", retryAt);
      return wait;
    },
  });
  // A function, so that a rejoin carries the status of that moment.
  const channel = socket.channel(`room:${room}`, () => ({ meta: meta() }));
  const presence = new Presence(channel);

  watch(presence, (event) => catchingUp || tell.happened(event));
  presence.onSync(() => {
    if (catchingUp) tell.happened({ kind: joinedBefore ? "back" : "arrived", key: name });
    catchingUp = false;
    joinedBefore = true;
    tell.people(presence.list((key, { metas }) => ({ key, metas })));
  });

  socket.onOpen(() => tell.link("connecting"));
  socket.onClose(() => {
    catchingUp = true;
    tell.link("lost", retryAt);
  });
  channel.onError(() => {
    catchingUp = true;
    tell.link("lost", retryAt);
  });
  channel
    .join()
    .receive("ok", () => {
      tell.link("open");
      ping();
    })
    .receive("error", ({ reason }) => tell.link("refused", reason));

  function ping() {
    if (!channel.isJoined()) return;
    const sent = performance.now();
    channel.push("ping", {}).receive("ok", () => tell.latency(performance.now() - sent));
  }
  setInterval(ping, PING_EVERY_MS);

  socket.connect();

  return {
    // Replaces this tab's meta by what `meta()` says now. While there is no connection there is nothing
    // to do: the next join carries it.
    update() {
      if (channel.isJoined()) channel.push("update", meta());
    },
    retry() {
      tell.link("connecting");
      socket.disconnect(() => socket.connect());
    },
  };
}

// Turns joins and leaves of metas into what happened to people. An update arrives as a join whose
// `phx_ref_prev` is the meta that leaves with it.
function watch(presence, happened) {
  const replaced = new Set();

  presence.onJoin((key, current, { metas }) => {
    const known = new Set(current?.metas.map((meta) => meta.phx_ref));
    for (const meta of metas) {
      if (known.has(meta.phx_ref_prev)) {
        replaced.add(meta.phx_ref_prev);
        happened({ kind: "changed", key, meta });
      } else if (!known.has(meta.phx_ref)) {
        happened({ kind: known.size ? "opened" : "joined", key, meta });
      }
    }
  });
  presence.onLeave((key, { metas: left }, { metas }) => {
    for (const meta of metas) {
      if (replaced.delete(meta.phx_ref)) continue;
      happened({ kind: left.length ? "closed" : "left", key, meta });
    }
  });
}
