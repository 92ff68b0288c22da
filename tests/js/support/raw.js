// A WebSocket without a client on it, for frames that no client would send.

import WebSocket from "ws";

import { until } from "./wait.js";

export class RawSocket {
  frames = [];
  closeCode = undefined;

  // Opens a socket of `server`; rejects with the HTTP status where the server refuses. `query` goes
  // behind the `?` as it is.
  static open(server, query = "vsn=2.0.0&user_id=raw") {
    const raw = new RawSocket();
    raw.ws = new WebSocket(`${server.socket}/websocket?${query}`);
    raw.ws.on("message", (data) => raw.frames.push(JSON.parse(data)));
    raw.ws.on("close", (code) => (raw.closeCode = code));
    return new Promise((resolve, reject) => {
      raw.ws.on("open", () => resolve(raw));
      raw.ws.on("unexpected-response", (_, response) => {
        raw.ws.terminate();
        reject(new Refused(response.statusCode));
      });
      raw.ws.on("error", reject);
    });
  }

  // Sends a message, or text that is none.
  send(frame) {
    this.ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  // The first frame, received or to come, that `matches`.
  frame(what, matches) {
    return until(`a frame: ${what}`, () => this.frames.find(matches));
  }

  // The answer to the message with `ref`.
  async reply(ref) {
    const [, , , , payload] = await this.frame(
      `the reply to ${ref}`, (frame) => frame[1] === ref && frame[3] === "phx_reply");
    return payload;
  }

  closed() {
    return until("the socket to be closed", () => this.closeCode);
  }
}

export class Refused extends Error {
  constructor(status) {
    super(`the server refused the socket with ${status}`);
    this.status = status;
  }
}
