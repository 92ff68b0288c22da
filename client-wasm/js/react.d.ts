import type { Channel, PresenceEntry } from "./index.js";

/**
 * Who is present in a channel, as keys with their presences. Renders again when that changes, and only then.
 *
 * Call it before `channel.join()` is answered: the list of those present comes right after that.
 *
 * @param channel null or undefined: there is none yet, and nobody is present
 */
export function usePresence<Meta = Record<string, unknown>, Fields = unknown>(
  channel: Channel | null | undefined,
): readonly (readonly [key: string, presence: PresenceEntry<Meta, Fields>])[];
