// The packed tarball through the bundlers, and in Jest with jsdom: what they make of it runs.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import resolve from "@rollup/plugin-node-resolve";
import { rollup } from "rollup";
import { build, createServer } from "vite";
import webpack from "webpack";

import { launch } from "../support/browser.js";
import { PACKAGE } from "../support/server.js";

const dir = realpathSync(mkdtempSync(join(tmpdir(), "herenow-bundlers-")));
const USE = `import { Presence, Socket } from "herenow";
  const socket = new Socket("ws://127.0.0.1:9/socket");
  const says = [new Presence(socket.channel("room:1")).list().length, socket.connectionState()].join();`;
const EXPECTED = "0,closed";
const input = join(dir, "entry.js");
const runs = (file) => execFileSync(process.execPath, [file], { encoding: "utf8" }).trim();

before(() => {
  const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", dir], { cwd: PACKAGE, encoding: "utf8" });
  const modules = join(dir, "node_modules");
  mkdirSync(modules);
  execFileSync("tar", ["-xzf", join(dir, packed.trim()), "-C", modules]);
  cpSync(join(modules, "package"), join(modules, "herenow"), { recursive: true });
  writeFileSync(join(dir, "package.json"), '{ "type": "module" }');
  writeFileSync(input, `${USE} if (globalThis.document) document.title = says; console.log(says);`);
  writeFileSync(join(dir, "index.html"), '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/entry.js"></script>');
});

after(() => rmSync(dir, { recursive: true }));

test("Rollup", async () => {
  const bundle = await rollup({ input, plugins: [resolve()] });
  await bundle.write({ file: join(dir, "rollup.js"), format: "es" });
  assert.equal(runs(join(dir, "rollup.js")), EXPECTED);
});

test("webpack", async () => {
  const output = { path: dir, filename: "webpack.cjs" };
  const stats = await new Promise((done, fail) =>
    webpack({ mode: "production", entry: input, output, context: dir }, (error, stats) => (error ? fail(error) : done(stats))),
  );
  assert.ok(!stats.hasErrors(), stats.toString());
  assert.equal(runs(join(dir, "webpack.cjs")), EXPECTED);
});

test("Vite builds", async () => {
  const lib = { entry: input, formats: ["es"], fileName: "vite" };
  await build({ root: dir, logLevel: "error", build: { lib } });
  assert.equal(runs(join(dir, "dist/vite.js")), EXPECTED);
});

test("Vite serves it while developing", async () => {
  const server = await createServer({ root: dir, logLevel: "error", server: { port: 0, host: "127.0.0.1" } });
  await server.listen();
  const browser = await launch();
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${server.httpServer.address().port}/`);
    await tab.waitForFunction(() => document.title);
    assert.equal(await tab.title(), EXPECTED);
  } finally {
    await browser.close();
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
