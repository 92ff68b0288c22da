// Pages in a folder of a test's own, in a browser.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm" };

// Serves a folder on a free port.
export async function serveFolder(dir) {
  const folder = new Folder(dir);
  await folder.listening;
  return folder;
}

class Folder {
  // The Content-Security-Policy of every answer; none if it is empty.
  policy = "";
  #server;

  constructor(dir) {
    this.#server = createServer((request, response) => {
      const path = join(dir, new URL(request.url, "http://x").pathname);
      try {
        const body = readFileSync(path);
        response.setHeader("content-type", TYPES[extname(path)] ?? "text/plain");
        if (this.policy) response.setHeader("content-security-policy", this.policy);
        response.end(body);
      } catch {
        response.writeHead(404).end();
      }
    });
    this.listening = new Promise((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    this.#server.close();
  }
}

// A page that runs one script as a module.
export const pageOf = (script) =>
  `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`;

// What the page at the address says in the end: its title, or its first error.
export async function saysOf(browser, url) {
  const tab = await browser.newPage();
  try {
    const failed = new Promise((resolve) => tab.on("pageerror", (error) => resolve(error.message)));
    await tab.goto(url);
    const titled = tab.waitForFunction(() => document.title).then(() => tab.title());
    return await Promise.race([titled.catch(() => failed), failed]);
  } finally {
    await tab.close();
  }
}
