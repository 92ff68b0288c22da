// The types, as the compiler reads them under --strict.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { PACKAGE } from "../support/server.js";

const here = dirname(fileURLToPath(import.meta.url));
const compiler = join(here, "../node_modules/typescript/bin/tsc");

function compile(project) {
  const { stdout, status } = spawnSync(process.execPath, [compiler, "--project", join(here, project)], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stdout);
}

test("the types say what they should, also where there is no DOM", () => compile("tsconfig.json"));

// That the same file compiles with both shows that it is a fair one.
test("an application with @types/phoenix compiles", () => compile("tsconfig.phoenix.json"));

test("the same application compiles with herenow in the place of phoenix", () => compile("tsconfig.drop_in.json"));

// The members of classes, interfaces and objects that no comment stands before. Of overloads the first one counts.
function undocumented(file) {
  const found = [];
  let [block, before, last] = [null, "", ""];
  for (const line of readFileSync(join(PACKAGE, file), "utf8").split("\n").filter(Boolean)) {
    if (/^\S/.test(line)) block = /^export (?:class|interface|const) (\w+).*\{$/.exec(line)?.[1];
    const member = block && /^  (?:readonly |static |get |set )*([\w[\].]+)[?(<:]/.exec(line)?.[1];
    if (member && member !== last && member !== "constructor" && !before.endsWith("*/")) found.push(`${block}.${member}`);
    if (member) last = member;
    before = line;
  }
  return found;
}

test("every member has a comment in the types", () => {
  for (const file of ["socket.d.ts", "presence.d.ts"]) assert.deepEqual(undocumented(file), []);
});
