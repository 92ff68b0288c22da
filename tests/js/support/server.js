// The real binary, `herenow serve`, on a free port of this machine.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");

// Set by cargo xtask; the defaults are for running a test file by hand.
const BINARY = process.env.HERENOW_BIN ?? join(root, "target/debug/herenow");
export const PACKAGE = process.env.HERENOW_PACKAGE ?? join(root, "client-wasm/pkg");
// The example of a frontend in Rust, as a page.
export const FRONTEND = process.env.HERENOW_FRONTEND ?? join(root, "target/frontend");
const WWW = join(root, "www");

const START_WITHIN_MS = 15_000;

// Starts a server with the demo page and the npm package, or with other ones. `flags` go to `herenow serve`.
export async function startServer({ www = WWW, client = PACKAGE, flags = [] } = {}) {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: cargo xtask build --only server`);
  const server = new Server(["--www", www, "--client", client, ...flags]);
  await server.start();
  return server;
}

class Server {
  log = "";
  port = 0;
  #flags;
  #child;
  #ended;

  constructor(flags) {
    this.#flags = flags;
  }

  get http() {
    return `http://127.0.0.1:${this.port}`;
  }

  get socket() {
    return `ws://127.0.0.1:${this.port}/socket`;
  }

  // Starts it where it does not run: the first time on a free port, then again on the same one.
  async start() {
    if (this.#child) return;
    this.log = "";
    const args = ["serve", "--listen", `127.0.0.1:${this.port}`, ...this.#flags];
    this.#child = spawn(BINARY, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#ended = new Promise((resolve) => this.#child.once("exit", resolve));
    // A test process that ends without its hooks leaves no server behind.
    const orphan = () => this.#child?.kill("SIGKILL");
    process.once("exit", orphan);
    this.#ended.then(() => process.off("exit", orphan));
    this.#child.stderr.setEncoding("utf8").on("data", (text) => (this.log += text));
    try {
      this.port = await this.#listening();
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  // Asks it to stop, as a service manager does.
  stop() {
    return this.#end("SIGTERM");
  }

  // Kills it without a word.
  kill() {
    return this.#end("SIGKILL");
  }

  async restart() {
    await this.kill();
    await this.start();
  }

  async #end(signal) {
    this.#child?.kill(signal);
    await this.#ended;
    this.#child = undefined;
  }

  // The port, once the server says it.
  #listening() {
    return new Promise((resolve, reject) => {
      this.#child.stderr.on("data", () => {
        const port = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.log)?.[1];
        if (port) resolve(Number(port));
      });
      this.#child.once("error", reject);
      this.#ended.then((code) => reject(new Error(`herenow ended with ${code}:\n${this.log}`)));
      const late = () => reject(new Error(`herenow does not say where it listens:\n${this.log}`));
      setTimeout(late, START_WITHIN_MS).unref();
    });
  }
}
