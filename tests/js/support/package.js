// The package under test: the built one.

import { PACKAGE } from "./server.js";

export const { Socket, Channel, LongPoll, Push, Presence, Serializer } = await import(`${PACKAGE}/index.js`);
