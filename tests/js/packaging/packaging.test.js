// The packed tarball, installed as users install it, in what users run it in.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch } from "../support/browser.js";
import { pageOf, saysOf, serveFolder } from "../support/folder.js";
import { installPacked } from "../support/packed.js";

const USE = `
  const socket = new Socket("ws://127.0.0.1:9/socket");
  const presence = new Presence(socket.channel("room:1"));
  const says = [presence.list().length, Presence.list({ a: { metas: [1] } }).length, socket.connectionState()].join();
`;
const EXPECTED = "0,1,closed";

const dir = mkdtempSync(join(tmpdir(), "herenow-packaging-"));
const app = (name, code) => writeFileSync(join(dir, name), code);
const node = (...args) => execFileSync(process.execPath, args, { cwd: dir, encoding: "utf8" }).trim();

let browser;
let folder;

before(async () => {
  const installed = installPacked(dir);
  cpSync(installed, join(installed, "../phoenix"), { recursive: true });
  [browser, folder] = await Promise.all([launch(), serveFolder(dir)]);
});

after(async () => {
  await browser?.close();
  folder?.close();
  rmSync(dir, { recursive: true });
});

// What a page with this module says.
function page(name, code, policy = "") {
  app(`${name}.js`, code);
  app(`${name}.html`, pageOf(`/${name}.js`));
  folder.policy = policy;
  return saysOf(browser, `${folder.url}/${name}.html`);
}

const esm = (from) => `import { Presence, Socket } from "${from}";${USE}`;
const URL_OF = "/node_modules/herenow";

test("Node imports it", () => {
  app("esm.mjs", `${esm("herenow")} console.log(says);`);
  assert.equal(node("esm.mjs"), EXPECTED);
});

test("Node requires it", () => {
  app("common.cjs", `const { Presence, Socket } = require("herenow");${USE} console.log(says);`);
  assert.equal(node("common.cjs"), EXPECTED);
});

test("an application of phoenix runs with it under that name", () => {
  app("alias.mjs", `${esm("phoenix")} console.log(says);`);
  assert.equal(node("alias.mjs"), EXPECTED);
});

test("text needs no TextEncoder and no TextDecoder, which jsdom lacks", () => {
  app("jsdom.cjs", `delete globalThis.TextEncoder; delete globalThis.TextDecoder;
    const { Presence, Socket } = require("herenow");${USE} console.log(says);`);
  assert.equal(node("jsdom.cjs"), EXPECTED);
});

test("Node starts the slim entry with the bytes of the file", () => {
  app("slim.mjs", `import { readFileSync } from "node:fs"; import { createRequire } from "node:module";
    import { init, Presence, Socket } from "herenow/slim";
    const file = createRequire(import.meta.url).resolve("herenow/herenow.wasm");
    let early; try { new Socket("ws://x"); } catch (error) { early = /await init/.test(error.message); }
    await init(readFileSync(file));${USE} console.log(early, says);`);
  assert.equal(node("slim.mjs"), `true ${EXPECTED}`);
});

test("a page loads it as a plain module", async () => {
  assert.equal(await page("plain", `${esm(`${URL_OF}/index.js`)} document.title = says;`), EXPECTED);
});

test("a page streams the wasm for the slim entry, also under a policy", async () => {
  const code = `import { init, Presence, Socket } from "${URL_OF}/slim.js";
    await init("${URL_OF}/herenow.wasm");${USE} document.title = says;`;
  assert.equal(await page("slim", code, "script-src 'self' 'wasm-unsafe-eval'"), EXPECTED);
});

test("a worker loads it", async () => {
  app("worker.js", `${esm(`${URL_OF}/index.js`)} postMessage(says);`);
  const code = `new Worker("/worker.js", { type: "module" }).onmessage = ({ data }) => (document.title = data);`;
  assert.equal(await page("with-worker", code), EXPECTED);
});

test("it runs under a policy with 'wasm-unsafe-eval', and asks for it under one without", async () => {
  const code = `${esm(`${URL_OF}/index.js`)} document.title = says;`;
  assert.equal(await page("allowed", code, "script-src 'self' 'wasm-unsafe-eval'"), EXPECTED);
  assert.match(await page("forbidden", code, "script-src 'self'"), /add 'wasm-unsafe-eval' to its script-src/);
});
