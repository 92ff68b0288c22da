// usePresence in a real React, on a page of jsdom.

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { JSDOM } from "jsdom";
import { PlainChannel } from "../support/presence.js";
import { PACKAGE } from "../support/server.js";

const { window } = new JSDOM("<main></main>");
Object.assign(globalThis, { window, document: window.document, navigator: window.navigator, IS_REACT_ACT_ENVIRONMENT: true });
const { act, createElement } = await import("react");
const { createRoot } = await import("react-dom/client");
// Where it finds React: beside ours.
const installed = new URL("../artifacts/react/herenow/", import.meta.url);
cpSync(PACKAGE, fileURLToPath(installed), { recursive: true });
const { usePresence } = await import(new URL("react.js", installed).href);

test("usePresence renders who is here, again only when that changes, and lets go in the end", async () => {
  const channel = new PlainChannel();
  let renders = 0;
  function Room({ channel }) {
    renders++;
    const lines = usePresence(channel).map(([key, { metas }]) => `${key} (count: ${metas.length})`);
    return createElement("p", null, lines.join(", "));
  }
  const main = window.document.querySelector("main");
  const root = createRoot(main);
  const deliver = (event, payload) => act(async () => channel.deliver(event, JSON.stringify(payload)));
  const ada = { metas: [{ phx_ref: "1" }, { phx_ref: "2" }] };

  await act(async () => root.render(createElement(Room, { channel: null })));
  assert.equal(main.textContent, "");
  await act(async () => root.render(createElement(Room, { channel })));
  await deliver("presence_state", { ada });
  assert.equal(main.textContent, "ada (count: 2)");

  const before = renders;
  await deliver("presence_state", { ada });
  assert.equal(renders, before);
  await deliver("presence_diff", { joins: { bob: { metas: [{ phx_ref: "3" }] } }, leaves: {} });
  assert.equal(main.textContent, "ada (count: 2), bob (count: 1)");

  await act(async () => root.unmount());
  channel.deliver("presence_state", "{}");
  assert.equal(main.textContent, "");
});
