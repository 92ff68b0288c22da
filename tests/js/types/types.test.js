// The types, as the compiler reads them under --strict.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

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
