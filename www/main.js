// The entry: asks for a name, or enters the room that the URL names (/?name=Alice&room=lobby).

import { byId } from "./dom.js";
import { thisDevice } from "./identity.js";
import { Page } from "./page.js";

const query = new URLSearchParams(location.search);
const name = (query.get("name") ?? "").trim();
const room = (query.get("room") ?? "").trim() || "lobby";

if (name) inside();
else door();

function door() {
  byId("door").hidden = false;
  byId("room").value = room;
  byId("name").focus();
}

async function inside() {
  // `since` is this tab's `online_at` as the server set it, to be kept through updates and rejoins.
  const self = { name, tab: randomId(), status: "available", device: thisDevice(), since: undefined };
  const page = new Page(self, room);
  const meta = () => ({ online_at: self.since, status: self.status, device: self.device, tab: self.tab });
  try {
    // Imported late, so that a page whose client does not load can say so.
    const { enter } = await import("./connection.js");
    const connection = enter({ name, room, meta, tell: page });
    page.onRetry(() => connection.retry());
    page.onStatus(() => connection.update());
  } catch (error) {
    page.link("refused", `the client could not be loaded (${error.message})`);
    throw error;
  }
}

// Not crypto.randomUUID, which pages on plain http (a phone on the local network) do not have.
function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(36)).join("");
}
