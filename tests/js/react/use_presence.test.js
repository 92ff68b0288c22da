// usePresence in a real React, on a page of jsdom.

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { JSDOM } from "jsdom";
import { collected } from "../support/gc.js";
import { PlainChannel } from "../support/presence.js";
import { PACKAGE } from "../support/server.js";

const { window } = new JSDOM("<main></main>");
Object.assign(globalThis, { window, document: window.document, navigator: window.navigator, IS_REACT_ACT_ENVIRONMENT: true });
const { act, createElement, StrictMode } = await import("react");
const { createRoot } = await import("react-dom/client");
const { renderToString } = await import("react-dom/server");
// Where it finds React: beside ours.
const installed = new URL("../artifacts/react/herenow/", import.meta.url);
cpSync(PACKAGE, fileURLToPath(installed), { recursive: true });
const { usePresence } = await import(new URL("react.js", installed).href);

const main = window.document.querySelector("main");
const ada = { metas: [{ phx_ref: "1" }, { phx_ref: "2" }] };
const bob = { metas: [{ phx_ref: "3" }] };
const deliver = (channel, event, payload) => act(async () => channel.deliver(event, JSON.stringify(payload)));
const render = (root, element) => act(async () => root.render(element));

let renders = 0;
function Room({ channel }) {
  renders++;
  const lines = usePresence(channel).map(([key, { metas }]) => `${key} (count: ${metas.length})`);
  return createElement("p", null, lines.join(", "));
}
const room = (channel, props) => createElement(Room, { channel, ...props });

test("usePresence renders who is here, again only when that changes", async () => {
  const channel = new PlainChannel();
  const root = createRoot(main);
  await render(root, room(null));
  assert.equal(main.textContent, "");
  await render(root, room(channel));
  await deliver(channel, "presence_state", { ada });
  assert.equal(main.textContent, "ada (count: 2)");

  const before = renders;
  await deliver(channel, "presence_state", { ada });
  assert.equal(renders, before);
  await deliver(channel, "presence_diff", { joins: { bob }, leaves: {} });
  assert.equal(main.textContent, "ada (count: 2), bob (count: 1)");
  await render(root, room(new PlainChannel()));
  assert.equal(main.textContent, "");

  await act(async () => root.unmount());
  const after = renders;
  await deliver(channel, "presence_state", {});
  assert.equal(renders, after);
});

test("a component that comes back shows who is here, and who came meanwhile", async () => {
  const channel = new PlainChannel();
  const root = createRoot(main);
  await render(root, room(channel));
  await deliver(channel, "presence_state", { ada });
  await render(root, null);
  await deliver(channel, "presence_diff", { joins: { bob }, leaves: {} });
  await render(root, room(channel));
  assert.equal(main.textContent, "ada (count: 2), bob (count: 1)");
  await act(async () => root.unmount());
});

test("all components of a channel share what listens to it", async () => {
  const channel = new PlainChannel();
  const root = createRoot(main);
  await render(root, createElement(StrictMode, null, room(channel, { key: 1 }), room(channel, { key: 2 })));
  assert.equal(channel.bindings.size, 2, "one for states, one for diffs");
  await deliver(channel, "presence_state", { bob });
  assert.equal(main.textContent, "bob (count: 1)bob (count: 1)");
  await act(async () => root.unmount());
});

test("nobody is present where a page is rendered on the server", () => {
  assert.equal(renderToString(room(new PlainChannel())), "<p></p>");
});

test("what usePresence holds goes with the channel", async () => {
  const use = async () => {
    const channel = new PlainChannel();
    const root = createRoot(main);
    await render(root, room(channel));
    await deliver(channel, "presence_state", { ada });
    await act(async () => root.unmount());
    return new WeakRef(channel);
  };
  await collected("the channel", await use());
});
