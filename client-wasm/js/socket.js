import { callEach, reportError, throwFirst } from "./callbacks.js";
import { Channel, closure } from "./channel.js";
import { Connection } from "./connection.js";
import {
  CHANNEL, CONNECT, Core, DISCONNECT, NEXT_REF, OUT_ASK_DELAY, OUT_CLOSE, OUT_CLOSED, OUT_CONNECT,
  OUT_DISCONNECTED, OUT_ENDED, OUT_ERRORED, OUT_FAILED, OUT_JOIN_SETTLED, OUT_MESSAGE, OUT_OPENED, OUT_PONG,
  OUT_PUSH_SETTLED, OUT_SEND_HEARTBEAT, OUT_SEND_JOIN, OUT_SEND_LEAVE, OUT_SEND_OTHER, OUT_SEND_PUSH,
  OUT_UNCLAIMED_REPLY, PING, POLL_TIMEOUT, PUSH, REMOVE, SEND, SET_DELAY, TIMEOUT, TRANSPORT_CLOSING,
  TRANSPORT_REFUSED, refText,
} from "./core.js";
import { Fallback } from "./fallback.js";
import { Message, decodeBinary, decodeText, excerpt } from "./frame.js";
import { LongPoll } from "./longpoll.js";
import { Outbox } from "./outbox.js";
import { pageVisibility, pageWatch } from "./page.js";
import { Serializer } from "./serializer.js";
import { DELAY_IF_NONE, Timer, reconnectAfter, rejoinAfter } from "./timer.js";
import { protocol, socketUrl } from "./url.js";

// What becomes of a message, in the core's numbers. A larger number is HEARD more than a channel: to tell that one of the
// message is all that is to be done.
const DROPPED = 0;
const HEARD = 1;

// Why a channel is in error. At 0 it is the server that says so.
const REASONS = [null, "heartbeat_timeout", "connection_closed", "connection_error"];

const CONNECTION_STATES = ["connecting", "open", "closing", "closed"];
// The readyState of a transport that can send.
const OPEN = 1;

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
  #lastTopic = 0;
  #outbox = new Outbox(this);
  // What is being received, and whether the socket's own listeners still have to hear of it.
  #message = null;
  #unheard = false;
  #pings = new Map();
  #connection = new Connection(this);
  // What the transport has reported last: what the callbacks for it are called with.
  #report;
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
    this.reconnectAfterMs = opts.reconnectAfterMs || reconnectAfter;
    this.rejoinAfterMs = opts.rejoinAfterMs || rejoinAfter;
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

  // Tells the core something, and does what comes of that.
  _step(tell) {
    const isInner = this.#begin();
    let errors = null;
    try {
      tell();
    } catch (error) {
      errors = [error];
    }
    throwFirst(this.#finish(isInner, errors));
  }

  // What the core had to say before is dealt with first, for that may be about what is told now: a step may be under
  // way in which a callback does this. Returns whether one is.
  #begin() {
    const isInner = this.#isStepping;
    if (isInner) this.#drain(null)?.forEach(reportError);
    this.#look();
    this.#isStepping = true;
    return isInner;
  }

  // Does what came of the step that began so, and ends it. Returns the errors, or null.
  #finish(isInner, errors) {
    const all = this.#drain(errors);
    this.#isStepping = isInner;
    this.#timer.set(this.#core.ask(POLL_TIMEOUT), this.#fire);
    return all;
  }

  // A transport may know that it is closing before it says so: what is sent then would be lost.
  #look() {
    if (this.conn && this.conn.readyState > OPEN) this.#tell(TRANSPORT_CLOSING);
  }

  #tell(what) {
    this.#core.call(what, this.#connection.id);
  }

  // Carries out all outputs. A callback that throws does not keep the others from being called: the errors
  // are returned, after those that are given, if there are any.
  #drain(errors) {
    let output;
    while ((output = this.#core.poll())) {
      try {
        this.#carryOut(output[0], output[1], output[2], output[3]);
      } catch (error) {
        (errors ??= []).push(error);
      }
    }
    return errors;
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
    const message = this.#message;
    switch (output) {
      case OUT_MESSAGE:
        return channel._receive(message.event, message);
      case OUT_UNCLAIMED_REPLY:
        return channel._receive("phx_reply", message);
      case OUT_JOIN_SETTLED:
        return channel._settle(channel.joinPush, detail ? message : null);
      case OUT_ERRORED: {
        const reason = REASONS[detail];
        this.log("channel", `error ${channel.topic}`, reason);
        if (!reason) return channel._receive("phx_error", message);
        return channel.trigger("phx_error", { source: "transport", reason });
      }
      case OUT_ENDED:
        this.#forget(channel);
        channel._ended(refText(joinRef));
        this.log("channel", `close ${channel.topic} ${channel.joinRef()}`);
        if (detail) return channel._receive("phx_close", message);
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

  #pushSettled(id, replied) {
    const push = this.#outbox.take(id);
    push.channel._settle(push, replied ? this.#message : null);
  }

  // What comes in.

  // A transport brought this.
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

  // `message` is null if `data` is none. A transport may bring another message while one is being sent.
  //
  // This is a step (`_step`), written out: messages are what comes most often.
  #hear(connection, message, data) {
    const outer = this.#message;
    const isOuterUnheard = this.#unheard;
    const isInner = this.#begin();
    let errors = null;
    let isKnown = false;
    try {
      if (typeof message?.topic !== "string" || typeof message.event !== "string") {
        throw new Error(`Socket: received what is no message: ${excerpt(data)}`);
      }
      const { head } = message;
      isKnown = head?.epoch === this.#core.epoch && head.connection === connection && !this.hasLogger();
      this.#unheard = isKnown || this.#tellReceived(connection, message) !== DROPPED;
      if (this.#unheard) {
        this.#message = message;
        if (isKnown) this.#channels.get(head.heard - HEARD)?._receive(message.event, message);
        else if (this.hasLogger()) this.#logReceived(message);
      }
    } catch (error) {
      errors = [error];
    }
    if (isKnown) this.#isStepping = isInner;
    else errors = this.#finish(isInner, errors);
    try {
      this.#tellListeners();
    } catch (error) {
      (errors ??= []).push(error);
    }
    this.#message = outer;
    this.#unheard = isOuterUnheard;
    throwFirst(errors);
  }

  // Tells the core of a message, and returns what it says of it. For one by which a wait may have begun or ended, the
  // epoch is over by then.
  #tellReceived(connection, message) {
    const { topic, head } = message;
    const { epoch } = this.#core;
    const heard = this.#core.received(connection, this.#topics.get(topic)?.number ?? 0, message);
    if (head !== null && heard > HEARD) Object.assign(head, { heard, epoch, connection });
    return heard;
  }

  #logReceived({ topic, event, ref, payload }) {
    const note = `${payload?.status || ""} ${topic} ${event} ${ref ? `(${ref})` : ""}`;
    this.log("receive", note, payload);
  }

  // The socket's own listeners hear of a message after the channels have, and once.
  #tellListeners() {
    if (!this.#unheard) return;
    this.#unheard = false;
    if (this.stateChangeCallbacks.message.length === 0) return;
    const { joinRef, ref, topic, event, payload } = this.#message;
    this.#call("message", { join_ref: joinRef, ref, topic, event, payload });
  }
}
