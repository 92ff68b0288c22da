import { callEach, reportError, throwFirst } from "./callbacks.js";
import { Channel } from "./channel.js";
import { Connection } from "./connection.js";
import {
  CHANNEL,
  CONNECT,
  Core,
  DISCONNECT,
  DROPPED,
  HEARD_AND_TIMED,
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
  TRANSPORT_CLOSING,
  TRANSPORT_REFUSED,
  refText,
} from "./core.js";
import { Fallback } from "./fallback.js";
import { Message, decodeBinary, decodeText, excerpt } from "./frame.js";
import { LongPoll } from "./longpoll.js";
import { Outbox } from "./outbox.js";
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
// If the functions for these give none.
const DELAY_IF_NONE = 5000;

const closure = (value) => (typeof value === "function" ? value : () => value);

// A connection to the server that is made again whenever it is lost, and that many channels share.
//
// Every decision is made in wasm. Here are what it cannot hold: the WebSocket, one timer, and the
// application's objects and callbacks. Whatever happens is told to the core (`_step`), and then its outputs
// are carried out until there are none left (`#drain`).
export class Socket {
  #core;
  #channels = new Map();
  // For each topic that has channels what the core calls it, and how many channels.
  #topics = new Map();
  #outbox = new Outbox(this);
  #lastTopic = 0;
  #pings = new Map();
  #connection = new Connection(this);
  // What the transport has reported last: what the callbacks for it are called with.
  #report;
  // What is being received, and whether the socket's own listeners still have to hear of it.
  #frame = null;
  #unheard = false;
  #isStepping = false;
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
      this.#connection.closeWith = code ? [code, reason || ""] : [];
      closing = this.#core.call(DISCONNECT);
      if (closing && callback) this.#connection.whenClosed(closing, callback);
    });
    this.#connection.closeWith = [];
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
    let known = this.#topics.get(topic);
    if (!known) this.#topics.set(topic, (known = { number: ++this.#lastTopic, channels: 0 }));
    known.channels += 1;
    const id = this.#core.call(CHANNEL, known.number);
    const channel = new Channel(topic, params, this, this.#core, id);
    this.#channels.set(id, channel);
    return channel;
  }

  // Forgets a channel.
  remove(channel) {
    this._step(() => {
      this.#core.call(REMOVE, channel._id);
      this.#forget(channel);
    });
  }

  #forget({ _id, topic }) {
    if (!this.#channels.delete(_id)) return;
    const known = this.#topics.get(topic);
    known.channels -= 1;
    if (known.channels === 0) this.#topics.delete(topic);
  }

  // Sends a message of no channel, as soon as there is a connection.
  push(data) {
    this._step(() => {
      this.#outbox.addOther(data);
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
      this.#outbox.add(id, push);
    });
  }

  // Driving the core.

  // Tells the core something. What it had to say before is dealt with first, for that may be about what is told now:
  // a step may be under way in which a callback does this. `tell` returns false if no wait begins or ends.
  _step(tell) {
    const isInner = this.#isStepping;
    if (isInner) this.#drain().forEach(reportError);
    this.#look();
    const errors = [];
    let isTimed = true;
    this.#isStepping = true;
    try {
      isTimed = tell() !== false;
    } catch (error) {
      errors.push(error);
    }
    errors.push(...this.#drain());
    this.#isStepping = isInner;
    if (isTimed) this.#arm();
    throwFirst(errors);
  }

  // A transport may know that it is closing before it says so: what is sent then would be lost.
  #look() {
    if (this.conn && this.conn.readyState > OPEN) this.#tell(TRANSPORT_CLOSING);
  }

  #tell(what) {
    this.#core.call(what, this.#connection.id);
  }

  // Carries out all outputs. A callback that throws does not keep the others from being called: the errors
  // are returned.
  #drain() {
    const errors = [];
    let output;
    while ((output = this.#core.poll())) {
      try {
        this.#carryOut(output[0], output[1], output[2], output[3]);
      } catch (error) {
        errors.push(error);
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
        if (b) this.log("transport", "heartbeat timeout. Attempting to re-establish connection");
        return this.#connection.close(b !== 0);
      case OUT_ASK_DELAY:
        return this.#answerDelay(a, b);
      case OUT_SEND_JOIN:
      case OUT_SEND_LEAVE:
      case OUT_SEND_HEARTBEAT:
      case OUT_SEND_PUSH:
      case OUT_SEND_OTHER:
        return this.#outbox.send(output, refText(a), refText(b), c, this.#channels.get(c));
      case OUT_OPENED:
        this.establishedConnections += 1;
        this.log("transport", `connected to ${this.#connection.url}`);
        this.#fallback?.opened();
        return this.#call("open");
      case OUT_FAILED:
        return this.#failed(this.#report);
      case OUT_CLOSED:
        this.log("transport", "close", this.#report);
        return this.#call("close", this.#report);
      case OUT_DISCONNECTED:
        return this.#connection.closed(a);
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
        this.#forget(channel);
        channel._ended(refText(joinRef));
        this.log("channel", `close ${channel.topic} ${channel.joinRef()}`);
        if (detail) return channel._receive("phx_close", this.#frame);
        return channel.trigger("phx_close", "leave");
    }
  }

  // The transport.

  #open(connection) {
    this.#pings.clear();
    this.#fallback?.connecting();
    try {
      this.#connection.open(connection, this.#reported, this.#receive);
    } catch (error) {
      this.#tell(TRANSPORT_REFUSED);
      throw error;
    }
  }

  #reported = (what, event, connection, skipHeartbeat) =>
    this._step(() => {
      this.#report = event;
      this.#core.call(what, connection, skipHeartbeat);
    });

  #pong(ref, roundTrip) {
    const callback = this.#pings.get(ref);
    this.#pings.delete(ref);
    callback?.(roundTrip);
  }

  // Whatever the application's function does, there is a next try, and not at once.
  #answerDelay(channel, tries) {
    const name = channel ? "rejoinAfterMs" : "reconnectAfterMs";
    let delay = DELAY_IF_NONE;
    try {
      const given = this[name](tries);
      if (!(given >= 0)) throw new TypeError(`Socket: ${name} returned ${given}, which is no time in ms`);
      delay = given;
    } finally {
      this.#core.call(SET_DELAY, channel, delay);
    }
  }

  // Frames.

  #pushSettled(id, replied) {
    const push = this.#outbox.take(id);
    push.channel._settle(push, replied ? this.#frame : null);
  }

  #receive = (connection, data) => {
    if (this.decode === Serializer.decode) {
      const message = typeof data === "string" ? decodeText(data) : decodeBinary(data);
      this.#hear(connection, message, data);
      return;
    }
    this.decode(data, ({ join_ref, ref, topic, event, payload }) =>
      this.#hear(connection, new Message(payload, ref, join_ref, topic, event)),
    );
  };

  // `message` is null if `data`, which the transport brought, is none.
  #hear(connection, message, data) {
    const errors = [];
    // A transport may bring another message while one is being sent.
    const [outer, isOuterUnheard] = [this.#frame, this.#unheard];
    try {
      this._step(() => this.#understand(connection, message, data));
    } catch (error) {
      errors.push(error);
    }
    try {
      this.#tellListeners();
    } catch (error) {
      errors.push(error);
    }
    this.#frame = outer;
    this.#unheard = isOuterUnheard;
    throwFirst(errors);
  }

  #understand(connection, message, data) {
    if (typeof message?.topic !== "string" || typeof message.event !== "string") {
      throw new Error(`Socket: received what is no message: ${excerpt(data)}`);
    }
    const topicNumber = this.#topics.get(message.topic)?.number ?? 0;
    const received = this.#core.received(connection, topicNumber, message);
    this.#unheard = received !== DROPPED;
    if (this.#unheard) {
      this.#frame = message;
      if (this.hasLogger()) this.#logReceived(message);
    }
    return received === HEARD_AND_TIMED;
  }

  #logReceived({ topic, event, ref, payload }) {
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
