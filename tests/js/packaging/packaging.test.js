// The packed tarball, installed as users install it, in what users run it in.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";

import { build } from "esbuild";

import { launch } from "../support/browser.js";
import { PACKAGE } from "../support/server.js";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
const USE = `
  const socket = new Socket("ws://127.0.0.1:9/socket");
  const presence = new Presence(socket.channel("room:1"));
  const says = [presence.list().length, Presence.list({ a: { metas: [1] } }).length, socket.connectionState()].join();
`;
const EXPECTED = "0,1,closed";

const dir = mkdtempSync(join(tmpdir(), "herenow-packaging-"));
const modules = join(dir, "node_modules");
const app = (name, code) => writeFileSync(join(dir, name), code);
const node = (...args) => execFileSync(process.execPath, args, { cwd: dir, encoding: "utf8" }).trim();

let browser;
let server;
let policy = "";

before(async () => {
  const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", dir], { cwd: PACKAGE, encoding: "utf8" });
  mkdirSync(modules);
  execFileSync("tar", ["-xzf", join(dir, packed.trim()), "-C", modules]);
  cpSync(join(modules, "package"), join(modules, "herenow"), { recursive: true });
  cpSync(join(modules, "package"), join(modules, "phoenix"), { recursive: true });
  server = createServer((request, response) => {
    const path = join(dir, new URL(request.url, "http://x").pathname);
    try {
      const body = readFileSync(path);
      response.setHeader("content-type", TYPES[extname(path)] ?? "text/plain");
      if (policy) response.setHeader("content-security-policy", policy);
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  browser = await launch();
});

after(async () => {
  await browser?.close();
  server?.close();
  rmSync(dir, { recursive: true });
});

// What a page with this module says in the end: its title, or the first error.
async function page(name, code, csp = "") {
  app(`${name}.js`, code);
  app(`${name}.html`, `<!doctype html><link rel="icon" href="data:,"><script type="module" src="/${name}.js"></script>`);
  policy = csp;
  const tab = await browser.newPage();
  try {
    const failed = new Promise((resolve) => tab.on("pageerror", (error) => resolve(error.message)));
    await tab.goto(`http://127.0.0.1:${server.address().port}/${name}.html`);
    const titled = tab.waitForFunction(() => document.title).then(() => tab.title());
    return await Promise.race([titled.catch(() => failed), failed]);
  } finally {
    await tab.close();
  }
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

test("it does without TextEncoder and TextDecoder", () => {
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

test("a page streams the wasm for the slim entry", async () => {
  const code = `import { init, Presence, Socket } from "${URL_OF}/slim.js";
    await init("${URL_OF}/herenow.wasm");${USE} document.title = says;`;
  assert.equal(await page("slim", code), EXPECTED);
});

test("a worker loads it", async () => {
  app("worker.js", `${esm(`${URL_OF}/index.js`)} postMessage(says);`);
  const code = `new Worker("/worker.js", { type: "module" }).onmessage = ({ data }) => (document.title = data);`;
  assert.equal(await page("with-worker", code), EXPECTED);
});

test("esbuild bundles it", async () => {
  app("entry.js", `${esm("herenow")} document.title = says;`);
  const outfile = join(dir, "bundled.js");
  await build({ entryPoints: [join(dir, "entry.js")], bundle: true, minify: true, outfile, logLevel: "error" });
  assert.equal(await page("esbuild", readFileSync(outfile, "utf8")), EXPECTED);
});

test("it runs under a policy with 'wasm-unsafe-eval', and asks for it under one without", async () => {
  const code = `${esm(`${URL_OF}/index.js`)} document.title = says;`;
  assert.equal(await page("allowed", code, "script-src 'self' 'wasm-unsafe-eval'"), EXPECTED);
  assert.match(await page("forbidden", code, "script-src 'self'"), /add 'wasm-unsafe-eval' to its script-src/);
});
