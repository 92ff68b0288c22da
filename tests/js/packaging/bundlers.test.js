// The packed tarball through the bundlers, each of which makes a page of it, and in Jest with jsdom.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import resolve from "@rollup/plugin-node-resolve";
import * as esbuild from "esbuild";
import { rollup } from "rollup";
import * as vite from "vite";
import webpack from "webpack";

import { launch } from "../support/browser.js";
import { pageOf, saysOf, serveFolder } from "../support/folder.js";
import { installPacked } from "../support/packed.js";

const dir = realpathSync(mkdtempSync(join(tmpdir(), "herenow-bundlers-")));
const entry = join(dir, "entry.js");
const EXPECTED = "0,closed";

let browser;
let folder;

before(async () => {
  installPacked(dir);
  writeFileSync(entry, `import { Presence, Socket } from "herenow";
    const socket = new Socket("ws://127.0.0.1:9/socket");
    document.title = [new Presence(socket.channel("room:1")).list().length, socket.connectionState()].join();`);
  writeFileSync(join(dir, "index.html"), pageOf("/entry.js"));
  [browser, folder] = await Promise.all([launch(), serveFolder(dir)]);
});

after(async () => {
  await browser?.close();
  folder?.close();
  rmSync(dir, { recursive: true });
});

// What a page with this bundle says.
function page(bundle) {
  writeFileSync(join(dir, `${bundle}.html`), pageOf(`/${bundle}.js`));
  return saysOf(browser, `${folder.url}/${bundle}.html`);
}

test("esbuild", async () => {
  const outfile = join(dir, "esbuild.js");
  await esbuild.build({ entryPoints: [entry], bundle: true, minify: true, outfile, logLevel: "error" });
  assert.equal(await page("esbuild"), EXPECTED);
});

// As the README has them: the wasm as a file of its own, whose address the bundler knows.
const slim = (wasm) => `import { init, Presence, Socket } from "herenow/slim";
  import wasm from "${wasm}";
  await init(wasm);
  document.title = String(new Presence(new Socket("ws://127.0.0.1:9/socket").channel("room:1")).size);`;

test("esbuild, with the wasm as a file", async () => {
  writeFileSync(join(dir, "slim.js"), slim("herenow/herenow.wasm"));
  const options = { bundle: true, format: "esm", publicPath: "/", loader: { ".wasm": "file" }, logLevel: "error" };
  await esbuild.build({ entryPoints: [join(dir, "slim.js")], outfile: join(dir, "esbuild-slim.js"), ...options });
  assert.equal(await page("esbuild-slim"), "0");
});

test("Rollup", async () => {
  const bundle = await rollup({ input: entry, plugins: [resolve()] });
  await bundle.write({ file: join(dir, "rollup.js"), format: "es" });
  assert.equal(await page("rollup"), EXPECTED);
});

test("webpack", async () => {
  const output = { path: dir, filename: "webpack.js" };
  const stats = await new Promise((done, fail) =>
    webpack({ mode: "production", entry, output, context: dir }, (error, stats) => (error ? fail(error) : done(stats))),
  );
  assert.ok(!stats.hasErrors(), stats.toString());
  assert.equal(await page("webpack"), EXPECTED);
});

test("Vite builds", async () => {
  await vite.build({ root: dir, base: "/dist/", logLevel: "error" });
  assert.equal(await saysOf(browser, `${folder.url}/dist/index.html`), EXPECTED);
});

test("Vite builds, with the wasm as a file", async () => {
  const root = join(dir, "vite-slim");
  mkdirSync(root);
  writeFileSync(join(root, "entry.js"), slim("herenow/herenow.wasm?url"));
  writeFileSync(join(root, "index.html"), pageOf("/entry.js"));
  await vite.build({ root, base: "/vite-slim/dist/", logLevel: "error", build: { assetsInlineLimit: 0 } });
  assert.equal(await saysOf(browser, `${folder.url}/vite-slim/dist/index.html`), "0");
});

test("Vite serves it while developing", async () => {
  const server = await vite.createServer({ root: dir, logLevel: "error", server: { port: 0, host: "127.0.0.1" } });
  await server.listen();
  try {
    assert.equal(await saysOf(browser, `http://127.0.0.1:${server.httpServer.address().port}/`), EXPECTED);
  } finally {
    await server.close();
  }
});

test("Jest with jsdom", () => {
  const require = createRequire(import.meta.url);
  writeFileSync(
    join(dir, "herenow.test.cjs"),
    `const { Presence, Socket } = require("herenow");
     test("it runs", () => {
       const socket = new Socket("ws://127.0.0.1:9/socket");
       expect(new Presence(socket.channel("room:1")).list()).toEqual([]);
     });`,
  );
  const config = JSON.stringify({
    rootDir: dir,
    testEnvironment: require.resolve("jest-environment-jsdom"),
    testMatch: ["**/herenow.test.cjs"],
    transform: {},
  });
  execFileSync(process.execPath, [require.resolve("jest/bin/jest"), "--config", config], { cwd: dir, stdio: "pipe" });
});
