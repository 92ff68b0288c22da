import { callEach, reportError, throwFirst } from "./callbacks.js";
import { Channel } from "./channel.js";
import { Fallback } from "./fallback.js";
import { Message, decodeBinary, decodeText, excerpt } from "./frame.js";
import { LongPoll } from "./longpoll.js";
import { pageVisibility, watchPage } from "./page.js";
import { Serializer } from "./serializer.js";
import { Timer } from "./timer.js";
import { protocol, socketUrl } from "./url.js";
import { SocketCore, writeText } from "./wasm.js";

// What `SocketCore.poll` returns: repeated from src/socket.rs, where the details of each are described.
const CONNECT = 1;
const SEND = 2;
const CLOSE = 3;
const ASK_DELAY = 4;
const OPENED = 5;
const FAILED = 6;
const CLOSED = 7;
const DISCONNECTED = 8;
const PONG = 9;
const JOIN_SETTLED = 10;
const PUSH_SETTLED = 11;
const MESSAGE = 12;
const UNCLAIMED_REPLY = 13;
const CHANNEL_ERRORED = 14;
const CHANNEL_CLOSED = 15;

// What SocketCore.transport is told.
const TRANSPORT_OPENED = 0;
const TRANSPORT_OPENED_WITHOUT_HEARTBEATS = 1;
const TRANSPORT_ERRORED = 2;
const TRANSPORT_CLOSING = 3;
const TRANSPORT_CLOSED = 4;
const TRANSPORT_REFUSED = 5;

// The first detail of SEND.
const JOIN = 0;
const LEAVE = 1;
const HEARTBEAT = 2;
const PUSH = 3;

// The second detail of CHANNEL_ERRORED. At 0 it is the server that says so.
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
  #sends = new Map();
  #lastSend = 0;
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
    this.#core = new SocketCore(this.timeout, this.heartbeatIntervalMs);
    watchPage(this.#core, (tell) => this._step(tell));
  }

  // Connecting.

  // Connects. Does nothing if that was done before, also while the connection is being made again.
  connect(params) {
    if (params) this.params = closure(params);
    this._step(() => this.#core.connect());
  }

  // Closes the connection and does not make it again.
  disconnect(callback, code, reason) {
    this.#fallback?.cancel();
    let closing = 0;
    this._step((now) => {
      this.#closeWith = code ? [code, reason || ""] : [];
      closing = this.#core.disconnect(now);
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
    this._step((now) => {
      ref = this.#core.ping(now);
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
    writeText(topic);
    const id = this.#core.channel();
    const channel = new Channel(topic, params, this, this.#core, id);
    this.#channels.set(id, channel);
    return channel;
  }

  // Forgets a channel.
  remove(channel) {
    this._step(() => {
      this.#core.remove(channel._id);
      this.#channels.delete(channel._id);
    });
  }

  // Sends a message of no channel, as soon as there is a connection.
  push(data) {
    this._step(() => {
      this.#lastSend += 1;
      this.#sends.set(this.#lastSend, data);
      this.#core.send(this.#lastSend);
    });
  }

  // A ref that no other message of this socket has.
  makeRef() {
    return String(this.#core.next_ref());
  }

  _push(push, channel) {
    this._step((now) => {
      const id = this.#core.push(now, channel, push.timeout);
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
    tell(this.#timer.now());
    const errors = this.#drain();
    this.#arm();
    throwFirst(errors);
  }

  // A transport may know that it is closing before it says so: what is sent then would be lost.
  #look() {
    if (this.conn && this.conn.readyState > OPEN) this.#tell(TRANSPORT_CLOSING);
  }

  #tell(what) {
    this.#core.transport(this.#timer.now(), this.#connection, what);
  }

  // Carries out all outputs. A callback that throws does not keep the others from being called: the errors
  // are returned.
  #drain() {
    let errors = NO_ERRORS;
    let kind;
    while ((kind = this.#core.poll()) !== 0) {
      try {
        this.#carryOut(kind);
      } catch (error) {
        errors = [...errors, error];
      }
    }
    return errors;
  }

  #arm() {
    this.#timer.set(this.#core.poll_timeout(), this.#fire);
  }

  #fire = () =>
    this._step((now) => {
      this.#core.page(now, pageVisibility());
      this.#core.handle_timeout(now);
    });

  #carryOut(kind) {
    const core = this.#core;
    switch (kind) {
      case CONNECT:
        return this.#open(core.detail(0));
      case SEND:
        return this.#send(
          core.detail(0),
          core.detail(1),
          core.detail(2),
          refs(core.detail(3), core.detail(4)),
          core.detail(5),
        );
      case CLOSE:
        return this.#close(core.detail(1) !== 0);
      case ASK_DELAY:
        return this.#answerDelay(core.detail(0), core.detail(1));
      case OPENED:
        this.establishedConnections += 1;
        this.log("transport", `connected to ${this.#url}`);
        this.#fallback?.opened();
        return this.#call("open");
      case FAILED:
        return this.#failed(this.#report);
      case CLOSED:
        this.log("transport", "close", this.#report);
        return this.#call("close", this.#report);
      case DISCONNECTED:
        return this.#disconnected(core.detail(0));
      case PONG:
        this.#tellListeners();
        return this.#pong(core.detail(0), core.detail(1));
      case PUSH_SETTLED:
        return this.#pushSettled(core.detail(0), core.detail(1) !== 0);
      default:
        return this.#tellChannel(
          kind,
          this.#channels.get(core.detail(0)),
          core.detail(1),
          core.detail(2),
        );
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

  #tellChannel(kind, channel, detail, joinRef) {
    // A channel that was removed by hand hears nothing more.
    if (!channel) return;
    switch (kind) {
      case MESSAGE:
        return channel._receive(this.#frame.event, this.#frame);
      case UNCLAIMED_REPLY:
        return channel._receive("phx_reply", this.#frame);
      case JOIN_SETTLED:
        return channel._settle(channel.joinPush, detail ? this.#frame : null);
      case CHANNEL_ERRORED: {
        const reason = REASONS[detail];
        this.log("channel", `error ${channel.topic}`, reason);
        if (!reason) return channel._receive("phx_error", this.#frame);
        return channel.trigger("phx_error", { source: "transport", reason });
      }
      case CHANNEL_CLOSED:
        this.#channels.delete(channel._id);
        channel._ended(joinRef ? String(joinRef) : null);
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
      this._step((now) => {
        this.#report = event;
        this.#core.transport(now, connection, what);
      });
    conn.onopen = report(
      conn.skipHeartbeat ? TRANSPORT_OPENED_WITHOUT_HEARTBEATS : TRANSPORT_OPENED,
    );
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
    this.#core.set_delay(this.#timer.now(), channel, delay);
  }

  // Frames.

  #send(what, channelId, pushId, { join_ref, ref }, handle) {
    const channel = this.#channels.get(channelId);
    switch (what) {
      case JOIN:
        channel.joinPush._sent(ref);
        return this.#write(join_ref, ref, channel.topic, "phx_join", channel.joinPush.payload());
      case LEAVE:
        return this.#write(join_ref, ref, channel.topic, "phx_leave", {});
      case HEARTBEAT:
        return this.#write(join_ref, ref, "phoenix", "heartbeat", {});
      case PUSH: {
        const push = this.#pushes.get(pushId);
        push._sent(ref);
        return this.#write(join_ref, ref, channel.topic, push.event, push.payload());
      }
      default: {
        const data = this.#sends.get(handle);
        this.#sends.delete(handle);
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
    const tellChannels = () => this._step((now) => this.#understand(now, connection, message, data));
    const forget = () => {
      this.#frame = null;
    };
    callEach([tellChannels, () => this.#tellListeners(), forget], (tell) => tell());
  }

  #understand(now, connection, message, data) {
    let received = -1;
    if (message !== null) {
      writeText(message.outline);
      received = this.#core.received(now, connection);
    }
    if (received < 0) throw new Error(`Socket: received what is no message: ${excerpt(data)}`);
    this.#unheard = received > 0;
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

// Refs as they are on the wire; the core has 0 for none.
const refs = (join_ref, ref) => ({
  join_ref: join_ref ? String(join_ref) : null,
  ref: ref ? String(ref) : null,
});
