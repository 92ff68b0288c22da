// Presence for React: thin over `subscribe` and `getSnapshot`.

import { useCallback, useEffect, useState, useSyncExternalStore } from "react";

import { Presence } from "./client.js";

const NOBODY = Object.freeze([]);
const ignore = () => {};

/** See react.d.ts. */
export function usePresence(channel) {
  const [presence, setPresence] = useState(null);
  useEffect(() => {
    if (!channel) return undefined;
    const mine = new Presence(channel);
    setPresence(mine);
    return () => {
      setPresence(null);
      mine.destroy();
    };
  }, [channel]);
  const subscribe = useCallback(
    (changed) => (presence ? presence.subscribe(changed) : ignore),
    [presence],
  );
  const snapshot = useCallback(() => (presence ? presence.getSnapshot() : NOBODY), [presence]);
  return useSyncExternalStore(subscribe, snapshot, () => NOBODY);
}
