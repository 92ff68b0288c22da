// An unmodified application of npm `phoenix`, bundled as it is and with the alias `phoenix -> herenow`, in a
// browser against the real server. The package comes from its tarball, and each bundler sets the alias its
// own way.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import * as vite from "vite";

import { launch, shows, withTabs } from "../support/browser.js";
import { installPacked } from "../support/packed.js";
import { startServer } from "../support/server.js";

const here = dirname(fileURLToPath(import.meta.url));
const dir = realpathSync(mkdtempSync(join(tmpdir(), "herenow-alias-")));
const app = join(dir, "app");
const www = join(dir, "www");

let browser;
let server;
before(async () => {
  installPacked(dir);
  symlinkSync(join(here, "../node_modules/phoenix"), join(dir, "node_modules/phoenix"));
  cpSync(join(here, "phoenix_app"), app, { recursive: true });
  await withEsbuild("phoenix", {});
  await withEsbuild("esbuild", { phoenix: "herenow" });
  await withVite("vite", { phoenix: "herenow" });
  [browser, server] = await Promise.all([launch(), startServer({ www })]);
});
beforeEach(() => server.start());
after(async () => {
  await Promise.all([browser?.close(), server?.stop()]);
  rmSync(dir, { recursive: true });
});

async function withEsbuild(name, alias) {
  const out = join(www, name);
  mkdirSync(out, { recursive: true });
  cpSync(join(app, "index.html"), join(out, "index.html"));
  const entryPoints = [join(app, "main.js")];
  // esbuild looks for what stands for an alias from where it works.
  const options = { absWorkingDir: dir, bundle: true, minify: true, format: "esm", outdir: out, logLevel: "error" };
  await build({ entryPoints, alias, ...options });
}

async function withVite(name, alias) {
  await vite.build({
    root: app, base: `/${name}/`, logLevel: "error", resolve: { alias },
    build: { outDir: join(www, name), emptyOutDir: true },
  });
}

const url = (bundle, name, room, more = "") => `${server.http}/${bundle}/?name=${name}&room=${room}${more}`;

// What an application has seen, apart from refs and times, after the same script.
async function transcript(open, bundle, poll) {
  const room = `${bundle}${poll}`;
  const alice = await open(url(bundle, "Alice", room, poll));
  await shows(alice, "Alice (count: 1)");
  const second = await open(url(bundle, "Alice", room, poll));
  await shows(alice, "Alice (count: 2)");
  // The other one is of phoenix always: what comes from it is the same for all.
  const bob = await open(url("phoenix", "Bob", room));
  for (const tab of [alice, second, bob]) await shows(tab, "Alice (count: 2)", "Bob (count: 1)");

  const answered = (name) => alice.waitForFunction((name) => app.answers[name], name);
  await bob.evaluate(() => app.say("grüße 😀"));
  await alice.waitForFunction(() => app.heard.length === 1);
  await bob.evaluate(() => app.say("nobody listens any more"));
  await alice.evaluate(() => app.ping({ deep: [1, { "ü": null }] }));
  await answered("ping");
  await alice.evaluate(() => app.update({ device: "renamed" }));
  await answered("update");
  await bob.waitForFunction(() => app.people().some(([, , devices]) => devices.includes("renamed")));

  await second.evaluate(() => app.leave());
  await shows(alice, "Alice (count: 1)", "Bob (count: 1)");
  await server.restart();
  // What the lists show is the same as before the restart: only their metas and the log tell that it is over.
  for (const tab of [alice, bob]) {
    await tab.waitForFunction((people) =>
      app.log.filter((line) => line === "joined").length === 2 && JSON.stringify(app.people().sort()) === people,
    JSON.stringify(expected.people));
  }
  await alice.evaluate(() => app.leave());
  await answered("leave");
  await shows(bob, "Bob (count: 1)");
  const seen = await alice.evaluate(() => ({ heard: app.heard, answers: app.answers, state: app.state(), people: app.people().sort() }));
  const events = await alice.evaluate(() => app.log.filter((line) => ["open", "joined"].includes(line)));
  return { ...seen, events };
}

const expected = {
  heard: ["grüße 😀"],
  answers: { ping: ["ok", { deep: [1, { "ü": null }] }], update: ["ok", {}], leave: ["ok", {}] },
  state: ["open", "closed"],
  // The last that the application saw before it left: the server tells it no more.
  people: [["Alice", 1, ["app"]], ["Bob", 1, ["app"]]],
  // How often it closed is a matter of time: each try while there is no server is one.
  events: ["open", "joined", "open", "joined"],
};

for (const [transport, poll] of [["WebSockets", ""], ["long poll", "&poll"]]) {
  for (const [name, bundle] of [
    ["as it is", "phoenix"],
    ["with esbuild's alias", "esbuild"],
    ["with Vite's alias", "vite"],
  ]) {
    test(`over ${transport}, ${name}: the application sees the same`, () =>
      withTabs(browser, `alias-${bundle}${poll}`, async (open) => {
        assert.deepEqual(await transcript(open, bundle, poll), expected);
      }));
  }
}
