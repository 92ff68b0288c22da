import { callEach, reportError, throwFirst } from "./callbacks.js";
import { Channel } from "./channel.js";
import {
  CHANNEL,
  CONNECT,
  Core,
  DISCONNECT,
  NEXT_REF,
  OUT_ASK_DELAY,
  OUT_CLOSE,
  OUT_CLOSED,
  OUT_CONNECT,
  OUT_DISCONNECTED,
  OUT_ENDED,
  OUT_ERRORED,
  OUT_FAILED,
  OUT_JOIN_SETTLED,
  OUT_MESSAGE,
  OUT_OPENED,
  OUT_PONG,
  OUT_PUSH_SETTLED,
  OUT_SEND_HEARTBEAT,
  OUT_SEND_JOIN,
  OUT_SEND_LEAVE,
  OUT_SEND_OTHER,
  OUT_SEND_PUSH,
  OUT_UNCLAIMED_REPLY,
  PING,
  POLL_TIMEOUT,
  PUSH,
  REMOVE,
  SEND,
  SET_DELAY,
  TIMEOUT,
  TRANSPORT_CLOSED,
  TRANSPORT_CLOSING,
  TRANSPORT_ERRORED,
  TRANSPORT_OPENED,
  TRANSPORT_REFUSED,
  refText,
} from "./core.js";
import { Fallback } from "./fallback.js";
import { Message, decodeBinary, decodeText, excerpt } from "./frame.js";
import { LongPoll } from "./longpoll.js";
import { pageVisibility, pageWatch } from "./page.js";
import { Serializer } from "./serializer.js";
import { Timer } from "./timer.js";
import { protocol, socketUrl } from "./url.js";

// Why a channel is in error. At 0 it is the server that says so.
const REASONS = [null, "heartbeat_timeout", "connection_closed", "connection_error"];

const CONNECTION_STATES = ["connecting", "open", "closing", "closed"];
// The readyState of a transport that can send.
const OPEN = 1;

const RECONNECT_AFTER = [10, 50, 100, 150, 200, 250, 500, 1000, 2000];
const REJOIN_AFTER = [1000, 2000, 5000];

const AUTH_TOKEN_PREFIX = "base64url.bearer.phx.";

const NO_ERRORS = [];

const closure = (value) => (typeof value === "function" ? value : () => value);

// A connection to the server that is made again whenever it is lost, and that many channels share.
//
// Every decision is made in wasm. Here are what it cannot hold: the WebSocket, one timer, and the
// application's objects and callbacks. Whatever happens is told to the core (`_step`), and then its outputs
// are carried out until there are none left (`#drain`).
export class Socket {
  #core;
  #channels = new Map();
  #pushes = new Map();
  // What `push` was given and has not been sent.
  #sends = [];
  #lastTopic = 0;
  #pings = new Map();
  // What to call when a connection has closed: `[connection, callback]`.
  #disconnects = [];
  // The code and reason of the close that is asked for.
  #closeWith = [];
  #connection = 0;
  #url;
  // What the transport has reported last: what the callbacks for it are called with.
  #report;
  // What is being received, and whether the socket's own listeners still have to hear of it.
  #frame = null;
  #unheard = false;
  #timer = new Timer();
  #fallback = null;
  // Watched from `connect` to `disconnect`: before and after that a socket is held by whoever uses it, only.
  #page;

  constructor(endPoint, opts = {}) {
    this.stateChangeCallbacks = { open: [], close: [], error: [], message: [] };
    this.establishedConnections = 0;
    this.conn = null;
    this.endPoint = `${endPoint}/websocket`;
    this.transport = opts.transport || globalThis.WebSocket || LongPoll;
    // Over long polling the frames are what its server can tell apart.
    const serializer = this.transport === LongPoll ? Serializer : opts;
    this.encode = serializer.encode || Serializer.encode;
    this.decode = serializer.decode || Serializer.decode;
    this.timeout = opts.timeout || 10000;
    this.heartbeatIntervalMs = opts.heartbeatIntervalMs || 30000;
    this.reconnectAfterMs =
      opts.reconnectAfterMs || ((tries) => RECONNECT_AFTER[tries - 1] || 5000);
    this.rejoinAfterMs = opts.rejoinAfterMs || ((tries) => REJOIN_AFTER[tries - 1] || 10000);
    this.longpollerTimeout = opts.longpollerTimeout || 20000;
    this.logger = opts.logger || null;
    if (!this.logger && opts.debug) {
      this.logger = (kind, msg, data) => console.log(`${kind}: ${msg}`, data);
    }
    this.params = closure(opts.params || {});
    this.vsn = opts.vsn || "2.0.0";
    this.binaryType = opts.binaryType || "arraybuffer";
    this.authToken = opts.authToken && closure(opts.authToken);
    if (opts.longPollFallbackMs) {
      this.#fallback = new Fallback(this, opts.longPollFallbackMs, opts.sessionStorage);
    }
    this.#core = new Core(this.timeout, this.heartbeatIntervalMs, () => this.#timer.now());
    this.#page = pageWatch((what) => this._step(() => this.#core.call(what)));
  }

  // Connecting.

  // Connects. Does nothing if that was done before, also while the connection is being made again.
  connect(params) {
    if (params) this.params = closure(params);
    this.#page.start();
    this._step(() => {
      this.#core.call(pageVisibility());
      this.#core.call(CONNECT);
    });
  }

  // Closes the connection and does not make it again.
  disconnect(callback, code, reason) {
    this.#fallback?.cancel();
    this.#page.stop();
    let closing = 0;
    this._step(() => {
      this.#closeWith = code ? [code, reason || ""] : [];
      closing = this.#core.call(DISCONNECT);
      if (closing && callback) this.#disconnects.push([closing, callback]);
    });
    this.#closeWith = [];
    if (!closing && callback) callback();
  }

  // Connects over another transport from the next `connect` on.
  replaceTransport(newTransport) {
    this.transport = newTransport;
    this.disconnect();
  }

  // The class that polls, for those who tell transports apart.
  getLongPollTransport() {
    return LongPoll;
  }

  // Whether frames can be sent now.
  isConnected() {
    return this.connectionState() === "open";
  }

  // "connecting", "open", "closing" or "closed".
  connectionState() {
    return CONNECTION_STATES[this.conn?.readyState] ?? "closed";
  }

  // The full address, params included.
  endPointURL() {
    return socketUrl(this.endPoint, this.params(), this.vsn);
  }

  // "wss" or "ws", as the page's protocol asks for.
  protocol() {
    return protocol();
  }

  // Calls back with the time to the server and back in ms. False: there is no connection.
  ping(callback) {
    let ref;
    this._step(() => {
      ref = this.#core.call(PING);
      if (ref) this.#pings.set(ref, callback);
    });
    return ref !== 0;
  }

  // Callbacks.

  onOpen(callback) {
    return this.#listen("open", callback);
  }

  onClose(callback) {
    return this.#listen("close", callback);
  }

  onError(callback) {
    return this.#listen("error", callback);
  }

  onMessage(callback) {
    return this.#listen("message", callback);
  }

  // Removes the callbacks with these refs.
  off(refs) {
    for (const [kind, callbacks] of Object.entries(this.stateChangeCallbacks)) {
      this.stateChangeCallbacks[kind] = callbacks.filter(([ref]) => !refs.includes(ref));
    }
  }

  #listen(kind, callback) {
    const ref = this.makeRef();
    this.stateChangeCallbacks[kind].push([ref, callback]);
    return ref;
  }

  #call(kind, ...args) {
    callEach(this.stateChangeCallbacks[kind], ([, callback]) => callback(...args));
  }

  log(kind, msg, data) {
    if (this.logger) this.logger(kind, msg, data);
  }

  hasLogger() {
    return this.logger !== null;
  }

  // Channels and messages.

  // The channels that have not ended.
  get channels() {
    return [...this.#channels.values()];
  }

  // Makes a channel. `params` go out with each of its joins.
  channel(topic, params = {}) {
    const number = this.#topicNumber(topic) || ++this.#lastTopic;
    const id = this.#core.call(CHANNEL, number);
    const channel = new Channel(topic, params, this, this.#core, id);
    channel._topic = number;
    this.#channels.set(id, channel);
    return channel;
  }

  // What the core calls a topic; 0 if no channel has it.
  #topicNumber(topic) {
    for (const channel of this.#channels.values()) {
      if (channel.topic === topic) return channel._topic;
    }
    return 0;
  }

  // Forgets a channel.
  remove(channel) {
    this._step(() => {
      this.#core.call(REMOVE, channel._id);
      this.#channels.delete(channel._id);
    });
  }

  // Sends a message of no channel, as soon as there is a connection.
  push(data) {
    this._step(() => {
      this.#sends.push(data);
      this.#core.call(SEND);
    });
  }

  // A ref that no other message of this socket has.
  makeRef() {
    return String(this.#core.ask(NEXT_REF));
  }

  _push(push, channel) {
    this._step(() => {
      const id = this.#core.call(PUSH, channel, push.timeout);
      push.ref = String(id);
      this.#pushes.set(id, push);
    });
  }

  // Driving the core.

  // Tells the core something. Whatever it had to say before is dealt with first, for that may be about
  // what is told now.
  _step(tell) {
    this.#drain().forEach(reportError);
    this.#look();
    tell();
    const errors = this.#drain();
    this.#arm();
    throwFirst(errors);
  }

  // A transport may know that it is closing before it says so: what is sent then would be lost.
  #look() {
    if (this.conn && this.conn.readyState > OPEN) this.#tell(TRANSPORT_CLOSING);
  }

  #tell(what) {
    this.#core.call(what, this.#connection);
  }

  // Carries out all outputs. A callback that throws does not keep the others from being called: the errors
  // are returned.
  #drain() {
    let errors = NO_ERRORS;
    let output;
    while ((output = this.#core.poll())) {
      try {
        this.#carryOut(output[0], output[1], output[2], output[3]);
      } catch (error) {
        errors = [...errors, error];
      }
    }
    return errors;
  }

  #arm() {
    this.#timer.set(this.#core.ask(POLL_TIMEOUT), this.#fire);
  }

  #fire = () =>
    this._step(() => {
      this.#core.call(pageVisibility());
      this.#core.call(TIMEOUT);
    });

  #carryOut(output, a, b, c) {
    switch (output) {
      case OUT_CONNECT:
        return this.#open(a);
      case OUT_CLOSE:
        return this.#close(b !== 0);
      case OUT_ASK_DELAY:
        return this.#answerDelay(a, b);
      case OUT_SEND_JOIN:
      case OUT_SEND_LEAVE:
      case OUT_SEND_HEARTBEAT:
      case OUT_SEND_PUSH:
      case OUT_SEND_OTHER:
        return this.#send(output, refText(a), refText(b), c);
      case OUT_OPENED:
        this.establishedConnections += 1;
        this.log("transport", `connected to ${this.#url}`);
        this.#fallback?.opened();
        return this.#call("open");
      case OUT_FAILED:
        return this.#failed(this.#report);
      case OUT_CLOSED:
        this.log("transport", "close", this.#report);
        return this.#call("close", this.#report);
      case OUT_DISCONNECTED:
        return this.#disconnected(a);
      case OUT_PONG:
        this.#tellListeners();
        return this.#pong(a, b);
      case OUT_PUSH_SETTLED:
        return this.#pushSettled(a, b !== 0);
      default:
        return this.#tellChannel(output, this.#channels.get(a), b, c);
    }
  }

  #failed(error) {
    this.log("transport", "error", error);
    try {
      this.#call("error", error, this.transport, this.establishedConnections);
    } finally {
      this.#fallback?.failed(error);
    }
  }

  #tellChannel(output, channel, detail, joinRef) {
    // A channel that was removed by hand hears nothing more.
    if (!channel) return;
    switch (output) {
      case OUT_MESSAGE:
        return channel._receive(this.#frame.event, this.#frame);
      case OUT_UNCLAIMED_REPLY:
        return channel._receive("phx_reply", this.#frame);
      case OUT_JOIN_SETTLED:
        return channel._settle(channel.joinPush, detail ? this.#frame : null);
      case OUT_ERRORED: {
        const reason = REASONS[detail];
        this.log("channel", `error ${channel.topic}`, reason);
        if (!reason) return channel._receive("phx_error", this.#frame);
        return channel.trigger("phx_error", { source: "transport", reason });
      }
      case OUT_ENDED:
        this.#channels.delete(channel._id);
        channel._ended(refText(joinRef));
        this.log("channel", `close ${channel.topic} ${channel.joinRef()}`);
        if (detail) return channel._receive("phx_close", this.#frame);
        return channel.trigger("phx_close", "leave");
    }
  }

  // The transport.

  #open(connection) {
    this.#pings.clear();
    this.#connection = connection;
    this.conn = null;
    this.#fallback?.connecting();
    let conn;
    try {
      conn = this.#newTransport();
    } catch (error) {
      this.#tell(TRANSPORT_REFUSED);
      throw error;
    }
    this.conn = conn;
    conn.binaryType = this.binaryType;
    conn.timeout = this.longpollerTimeout;
    const report = (what) => (event) =>
      this._step(() => {
        this.#report = event;
        this.#core.call(what, connection, conn.skipHeartbeat);
      });
    conn.onopen = report(TRANSPORT_OPENED);
    conn.onerror = report(TRANSPORT_ERRORED);
    conn.onclose = report(TRANSPORT_CLOSED);
    conn.onmessage = (event) => this.#receive(connection, event.data);
  }

  #newTransport() {
    const protocols = this.authToken && [
      "phoenix",
      `${AUTH_TOKEN_PREFIX}${btoa(this.authToken()).replace(/=/g, "")}`,
    ];
    this.#url = this.endPointURL();
    return new this.transport(this.#url, protocols);
  }

  #close(forWantOfHeartbeat) {
    if (forWantOfHeartbeat) {
      this.log("transport", "heartbeat timeout. Attempting to re-establish connection");
    }
    const [code, reason] = forWantOfHeartbeat ? [1000, "heartbeat timeout"] : this.#closeWith;
    this.#closeWith = [];
    if (code) this.conn?.close(code, reason);
    else this.conn?.close();
  }

  #disconnected(connection) {
    const done = this.#disconnects.filter(([closing]) => closing === connection);
    this.#disconnects = this.#disconnects.filter(([closing]) => closing !== connection);
    if (connection === this.#connection) this.conn = null;
    callEach(done, ([, callback]) => callback());
  }

  #pong(ref, roundTrip) {
    const callback = this.#pings.get(ref);
    this.#pings.delete(ref);
    callback?.(roundTrip);
  }

  #answerDelay(channel, tries) {
    const delay = channel ? this.rejoinAfterMs(tries) : this.reconnectAfterMs(tries);
    this.#core.call(SET_DELAY, channel, delay);
  }

  // Frames.

  // `id` is that of a channel or a push.
  #send(output, ref, join_ref, id) {
    switch (output) {
      case OUT_SEND_JOIN: {
        const { topic, joinPush } = this.#channels.get(id);
        joinPush._sent(ref);
        return this.#write(join_ref, ref, topic, "phx_join", joinPush.payload());
      }
      case OUT_SEND_LEAVE:
        return this.#write(join_ref, ref, this.#channels.get(id).topic, "phx_leave", {});
      case OUT_SEND_HEARTBEAT:
        return this.#write(join_ref, ref, "phoenix", "heartbeat", {});
      case OUT_SEND_PUSH: {
        const push = this.#pushes.get(id);
        push._sent(ref);
        return this.#write(join_ref, ref, push.channel.topic, push.event, push.payload());
      }
      default: {
        const data = this.#sends.shift();
        return this.#write(data.join_ref, data.ref, data.topic, data.event, data.payload);
      }
    }
  }

  #write(join_ref, ref, topic, event, payload) {
    this.log("push", `${topic} ${event} (${join_ref}, ${ref})`, payload);
    const { conn } = this;
    this.encode({ join_ref, ref, topic, event, payload }, (frame) => conn.send(frame));
  }

  #pushSettled(id, replied) {
    const push = this.#pushes.get(id);
    this.#pushes.delete(id);
    push.channel._settle(push, replied ? this.#frame : null);
  }

  #receive(connection, data) {
    if (this.decode === Serializer.decode) {
      const message = typeof data === "string" ? decodeText(data) : decodeBinary(data);
      this.#hear(connection, message, data);
      return;
    }
    this.decode(data, ({ join_ref, ref, topic, event, payload }) =>
      this.#hear(connection, new Message(payload, ref, join_ref, topic, event)),
    );
  }

  // `message` is null if `data`, which the transport brought, is none.
  #hear(connection, message, data) {
    let errors = NO_ERRORS;
    try {
      this._step(() => this.#understand(connection, message, data));
    } catch (error) {
      errors = [error];
    }
    try {
      this.#tellListeners();
    } catch (error) {
      errors = [...errors, error];
    }
    this.#frame = null;
    throwFirst(errors);
  }

  #understand(connection, message, data) {
    if (typeof message?.topic !== "string" || typeof message.event !== "string") {
      throw new Error(`Socket: received what is no message: ${excerpt(data)}`);
    }
    this.#unheard = this.#core.received(connection, this.#topicNumber(message.topic), message);
    if (!this.#unheard) return;
    this.#frame = message;
    if (!this.hasLogger()) return;
    const { topic, event, ref, payload } = message;
    const note = `${payload?.status || ""} ${topic} ${event} ${ref ? `(${ref})` : ""}`;
    this.log("receive", note, payload);
  }

  // The socket's own listeners hear of a message after the channels have.
  #tellListeners() {
    if (!this.#unheard) return;
    this.#unheard = false;
    if (this.stateChangeCallbacks.message.length === 0) return;
    const { joinRef, ref, topic, event, payload } = this.#frame;
    this.#call("message", { join_ref: joinRef, ref, topic, event, payload });
  }
}
