// The real binary, `herenow serve`, on a free port of this machine.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");

// Set by cargo xtask; the defaults are for running a test file by hand.
const BINARY = process.env.HERENOW_BIN ?? join(root, "target/debug/herenow");
export const PACKAGE = process.env.HERENOW_PACKAGE ?? join(root, "client-wasm/pkg");
const WWW = join(root, "www");

const START_WITHIN_MS = 15_000;

// Starts a server with the demo page and the npm package. `port` 0 takes a free one; `flags` go to
// `herenow serve`.
export async function startServer({ port = 0, www = WWW, flags = [] } = {}) {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: cargo xtask build --only server`);
  const args = ["serve", "--listen", `127.0.0.1:${port}`, "--www", www, "--client", PACKAGE, ...flags];
  const child = spawn(BINARY, args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const server = new Server(child, ended);
  try {
    server.port = await server.listening();
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return server;
}

class Server {
  log = "";
  #child;
  #ended;

  constructor(child, ended) {
    this.#child = child;
    this.#ended = ended;
    child.stderr.setEncoding("utf8").on("data", (text) => (this.log += text));
  }

  // The port, once the server says it.
  listening() {
    return new Promise((resolve, reject) => {
      const look = () => {
        const port = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.log)?.[1];
        if (port) resolve(Number(port));
      };
      this.#child.stderr.on("data", look);
      this.#child.once("error", reject);
      this.#ended.then((code) => reject(new Error(`herenow ended with ${code}:\n${this.log}`)));
      const late = () => reject(new Error(`herenow does not say where it listens:\n${this.log}`));
      setTimeout(late, START_WITHIN_MS).unref();
    });
  }

  get http() {
    return `http://127.0.0.1:${this.port}`;
  }

  get socket() {
    return `ws://127.0.0.1:${this.port}/socket`;
  }

  // Asks it to stop, as Ctrl-C does.
  async stop() {
    this.#child.kill("SIGTERM");
    await this.#ended;
  }

  // Kills it without a word.
  async kill() {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  // Kills it and starts another in its place.
  async restart() {
    await this.kill();
    return startServer({ port: this.port });
  }
}
