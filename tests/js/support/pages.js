// Pages for tests that bring their own scripts, in a folder to be served.

import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { FRONTEND } from "./server.js";

const PAGES = join(dirname(fileURLToPath(import.meta.url)), "../browser/recovery");

// A folder with the pages of browser/recovery and, under /rust, the frontend in Rust; `remove` removes it.
export function pages() {
  const www = mkdtempSync(join(tmpdir(), "herenow-pages-"));
  cpSync(PAGES, www, { recursive: true });
  cpSync(FRONTEND, join(www, "rust"), { recursive: true });
  return { www, remove: () => rmSync(www, { recursive: true }) };
}
