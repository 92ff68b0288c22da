// A server for long polling whose answers are the test's: it takes the place of `fetch`.

import { Clock } from "./clock.js";

// Runs a script against it, on a clock that the script advances.
export async function polling(script) {
  const world = new Polling();
  try {
    return await script(world);
  } finally {
    world.end();
  }
}

class Polling {
  // All requests so far, each as `METHOD url`, with the body if there is one.
  requests = [];
  // The headers of the last request of each method.
  headers = {};
  #clock = new Clock().install();
  #fetch = globalThis.fetch;
  #waiting = [];

  constructor() {
    globalThis.fetch = (url, { method, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        // phoenix.js leaves a separator behind where there is no token yet.
        this.requests.push([method, url.replace(/&$/, ""), ...(body ? [body] : [])].join(" "));
        this.headers[method] = headers;
        const request = { method, resolve, reject };
        this.#waiting.push(request);
        signal?.addEventListener("abort", () => {
          this.#forget(request);
          reject(new DOMException("aborted", "AbortError"));
        });
      });
  }

  end() {
    globalThis.fetch = this.#fetch;
    this.#clock.uninstall();
  }

  // The methods of the requests that wait for an answer.
  get waiting() {
    return this.#waiting.map(({ method }) => method);
  }

  // Lets so much time pass, and then everything happen that waits for no time.
  async pass(ms = 0) {
    this.#clock.advance(ms);
    await settled();
    this.#clock.advance(0);
    await settled();
  }

  // Answers the oldest request of this method with a JSON value, or with a text as it is.
  async answer(method, value) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    this.#take(method).resolve(new Response(text));
    await this.pass();
  }

  // The request does not get through.
  async breakOff(method) {
    this.#take(method).reject(new TypeError("fetch failed"));
    await this.pass();
  }

  // The session that most tests begin with.
  async open() {
    await this.pass();
    await this.answer("GET", { status: 410, token: "T", messages: [] });
  }

  #take(method) {
    const request = this.#waiting.find((waiting) => waiting.method === method);
    if (!request) throw new Error(`there is no ${method}, but: ${this.waiting}`);
    this.#forget(request);
    return request;
  }

  #forget(request) {
    this.#waiting = this.#waiting.filter((waiting) => waiting !== request);
  }
}

// All promises that are settled by now have been through their callbacks.
const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
