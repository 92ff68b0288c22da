import type { Channel, PresenceEntry } from "./index.js";

/**
 * Who is present in a channel, as keys with their presences. Renders again when that changes, and only then.
 *
 * All components share one `Presence` for each channel. It is made with the first call and follows the channel as
 * long as there is one, so a component may go and come back. The first call has to come before `channel.join()` is
 * answered: the list of those present comes right after that, once.
 *
 * @param channel null or undefined: there is none yet, and nobody is present
 */
export function usePresence<Meta = Record<string, unknown>, Fields = unknown>(
  channel: Channel | null | undefined,
): readonly (readonly [key: string, presence: PresenceEntry<Meta, Fields>])[];
