// The first state that a page hears, in a process or page of its own for each client: nothing is warm.

import { clients } from "./clients.js";
import { snapshot } from "./data.js";

/** The ms from the frame to the callbacks and the rendered list. */
export async function first(packages, kind, members, now) {
  const client = await clients(packages)[kind]();
  const state = snapshot(members);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const started = now();
  client.receive(state);
  client.render();
  return now() - started;
}
