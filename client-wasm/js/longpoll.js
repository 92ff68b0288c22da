// The transport for where WebSockets do not get through: plain HTTP requests, with `fetch`. The server holds
// a GET until it has messages, then the next one asks for more; what is sent goes out with POSTs.
//
// It is used like a WebSocket, once: after it has closed, for whatever reason, `Socket` makes another one.
// What arrives is text only, for that is all that servers send over this transport.

// The states are those of a WebSocket. Nothing takes time here once it is told to close.
const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 3;

// What the answers say in `status`: that is not the status of the response, which is always 200.
const MESSAGES = 200;
const NO_MESSAGES = 204;
const FORBIDDEN = 403;
// The server does not know the session: it has just begun, or it is over.
const GONE = 410;

// How many messages the server reads from one POST. It drops the rest.
const MAX_BATCH = 100;

const AUTH_TOKEN_PREFIX = "base64url.bearer.phx.";

const ignore = () => {};

export class LongPoll {
  readyState = CONNECTING;
  // Each request shows that the session lives: there is no need for heartbeats.
  skipHeartbeat = true;
  // How long a request may take, in ms. `Socket` sets it.
  timeout = 0;
  onopen = ignore;
  onerror = ignore;
  onmessage = ignore;
  onclose = ignore;

  #url;
  #pollHeaders = { Accept: "application/json" };
  // Names the session. The server gives it with its first answer.
  #token = null;
  // The requests under way, each by what aborts it.
  #requests = new Set();
  // Messages that were received, each still to be handed out.
  #deliveries = new Set();
  #unsent = [];
  // Whether a POST is under way, or about to be.
  #sending = false;

  constructor(endPoint, protocols) {
    this.#url = pollUrl(endPoint);
    const token = protocols?.[1];
    if (token?.startsWith(AUTH_TOKEN_PREFIX)) {
      this.#pollHeaders["X-Phoenix-AuthToken"] = atob(token.slice(AUTH_TOKEN_PREFIX.length));
    }
    // Not before the callbacks are set.
    setTimeout(() => this.#poll());
  }

  // Sends a text or an ArrayBuffer. All that is sent in one go travels in one request.
  send(data) {
    if (this.readyState === CLOSED) return;
    this.#unsent.push(typeof data === "string" ? data : base64(data));
    if (this.#sending) return;
    this.#sending = true;
    setTimeout(() => this.#post());
  }

  // Ends it at once: what has not been sent by then is dropped. The server is not told; it notices that
  // nobody polls any more.
  close(code, reason) {
    if (this.readyState === CLOSED) return;
    this.#stop();
    this.#tellClosed(code, reason, true);
  }

  #poll() {
    if (this.readyState === CLOSED) return;
    this.#request("GET", this.#pollHeaders, undefined, (answer) => this.#polled(answer));
  }

  #polled(answer) {
    const { status, token, messages } = answer ?? {};
    if (status === GONE && this.#token !== null) return this.#fail(GONE, 3410, "session_gone");
    if (typeof token === "string") this.#token = token;
    switch (status) {
      case MESSAGES:
        if (!Array.isArray(messages)) break;
        messages.forEach((data) => this.#deliver(data));
        return this.#poll();
      case NO_MESSAGES:
        return this.#poll();
      case GONE:
        if (this.#token === null) break;
        this.readyState = OPEN;
        try {
          return this.onopen({});
        } finally {
          this.#poll();
        }
      case FORBIDDEN:
        return this.#fail(FORBIDDEN, 1008, "forbidden");
    }
    // What no such server answers: something in between may.
    this.#fail(500, 1011, "internal server error");
  }

  // Each message in a task of its own, as those of a WebSocket: the promises that one has settled are
  // through when the next one comes.
  #deliver(data) {
    const timer = setTimeout(() => {
      this.#deliveries.delete(timer);
      this.onmessage({ data });
    });
    this.#deliveries.add(timer);
  }

  // One request after the other, since the server may take two at once in either order.
  #post() {
    const batch = this.#unsent.splice(0, MAX_BATCH);
    this.#sending = batch.length > 0;
    if (!this.#sending) return;
    const headers = { "Content-Type": "application/x-ndjson" };
    this.#request("POST", headers, batch.join("\n"), (answer) => {
      if (answer?.status === 200) this.#post();
      else this.#fail(answer?.status ?? null, 1011, "internal server error");
    });
  }

  // `answered` gets null if there is no answer, or none that can be read.
  #request(method, headers, body, answered) {
    const controller = new AbortController();
    let timer;
    const end = (tell) => {
      clearTimeout(timer);
      if (this.#requests.delete(controller)) tell();
    };
    this.#requests.add(controller);
    if (this.timeout) {
      timer = setTimeout(() => {
        end(() => this.#fail("timeout", 1005, "timeout"));
        controller.abort();
      }, this.timeout);
    }
    const url = this.#token === null ? this.#url : withToken(this.#url, this.#token);
    fetch(url, { method, headers, body, signal: controller.signal })
      .then((response) => response.json())
      .catch(() => null)
      .then((answer) => end(() => answered(answer)));
  }

  #fail(error, code, reason) {
    this.#stop();
    try {
      this.onerror(error);
    } finally {
      this.#tellClosed(code, reason, false);
    }
  }

  #stop() {
    this.readyState = CLOSED;
    const requests = [...this.#requests];
    this.#requests.clear();
    for (const request of requests) request.abort();
    for (const timer of this.#deliveries) clearTimeout(timer);
    this.#unsent = [];
  }

  // Without a code it is 1005, as with a WebSocket: there was none.
  #tellClosed(code = 1005, reason = "", wasClean) {
    const details = { code, reason, wasClean };
    const { CloseEvent } = globalThis;
    this.onclose(CloseEvent ? new CloseEvent("close", details) : details);
  }
}

// The address of a WebSocket, as one to poll: `ws://host/socket/websocket?a=b` is at
// `http://host/socket/longpoll?a=b`.
function pollUrl(endPoint) {
  const [path, ...query] = endPoint.split("?");
  const polled = path.replace(/^ws/, "http").replace(/\/websocket$/, "/longpoll");
  return [polled, ...query].join("?");
}

function withToken(url, token) {
  return `${url}${url.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`;
}

function base64(buffer) {
  let binary = "";
  for (const byte of new Uint8Array(buffer)) binary += String.fromCharCode(byte);
  return btoa(binary);
}
