// The package under test: the built one.

import { PACKAGE } from "./server.js";

export const { Socket, Channel, Push, Presence } = await import(`${PACKAGE}/index.js`);
