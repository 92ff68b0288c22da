// Presence for React: thin over `subscribe` and `getSnapshot`.

import { useSyncExternalStore } from "react";

import { Presence } from "./client.js";

const NOBODY = Object.freeze([]);
const nobody = { subscribe: () => () => {}, getSnapshot: () => NOBODY };

// The one Presence of each channel, for all components. It lives as long as its channel, also while no component
// shows it: the server sends the list once for each join, so one that is made later would stay empty.
const presences = new WeakMap();

/** See react.d.ts. */
export function usePresence(channel) {
  const { subscribe, getSnapshot } = channel ? presenceOf(channel) : nobody;
  return useSyncExternalStore(subscribe, getSnapshot, nobody.getSnapshot);
}

function presenceOf(channel) {
  let presence = presences.get(channel);
  if (!presence) presences.set(channel, (presence = new Presence(channel)));
  return presence;
}
