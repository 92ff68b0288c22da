import { callEach } from "./callbacks.js";
import { JOIN, JOIN_REF, LEAVE, STATE, refText } from "./core.js";
import { Message } from "./frame.js";
import { Push } from "./push.js";

// In the order of the numbers that the core has for them.
const STATES = ["closed", "errored", "joining", "joined"];

const NO_BINDINGS = [];

// Params may be given as a function.
export const closure = (value) => (typeof value === "function" ? value : () => value);

// A topic that is joined, or will be. `socket.channel()` makes these.
//
// What happens when is decided in wasm; here are the callbacks, and the objects that are passed to them.
export class Channel {
  // For each event its callbacks, in a list that is replaced when it changes: it may be walked just now.
  #bindings = new Map();
  #lastBinding = 0;
  // The ref of the join in force, and the core's epoch in which it is that.
  #joinRef;
  #epoch;
  // What is told of the ref when no join is in force.
  #lastJoinRef;

  constructor(topic, params, socket, core, id) {
    this.topic = topic;
    this.params = closure(params ?? {});
    this.socket = socket;
    this.timeout = socket.timeout;
    this.joinedOnce = false;
    this.joinPush = new Push(this, "phx_join", this.params, this.timeout);
    this._core = core;
    this._id = id;
    // A channel of phoenix.js takes two refs for its own callbacks at the socket. So does this one, and
    // the frames of both are the same to the byte.
    socket.makeRef();
    socket.makeRef();
  }

  get state() {
    return STATES[this._core.ask(STATE, this._id)];
  }

  // Joins, and from then on joins again by itself whenever that is needed. Can be called once.
  join(timeout = this.timeout) {
    if (this.joinedOnce) {
      throw new Error(
        "tried to join multiple times. 'join' can only be called a single time per channel instance",
      );
    }
    this.joinedOnce = true;
    this.#lastJoinRef = null;
    this.timeout = timeout;
    this.socket._step(() => {
      if (!this._core.call(JOIN, this._id, timeout)) {
        throw new Error(
          `the channel of '${this.topic}' was left before it was joined: make another channel`,
        );
      }
      this.joinPush.ref = this.joinRef();
    });
    return this.joinPush;
  }

  // Leaves at once. The server is told, but not waited for: the answer is always "ok".
  leave(timeout = this.timeout) {
    const push = new Push(this, "phx_leave", () => ({}), timeout);
    this.socket._step(() => this._core.call(LEAVE, this._id));
    push._settle({ status: "ok", response: {} });
    return push;
  }

  // Sends an event, as soon as the channel is joined. An ArrayBuffer is sent as it is.
  push(event, payload, timeout = this.timeout) {
    if (!this.joinedOnce) {
      throw new Error(
        `tried to push '${event}' to '${this.topic}' before joining. Use channel.join() before pushing events`,
      );
    }
    const push = new Push(this, event, () => payload || {}, timeout);
    this.socket._push(push, this._id);
    return push;
  }

  // Calls back for each such event; returns what `off` takes to stop that.
  on(event, callback) {
    return this.#bind(event, { callback, raw: false });
  }

  // Calls back with the message, whose payload need not have been parsed.
  _bindRaw(event, callback) {
    return this.#bind(event, { callback, raw: true });
  }

  #bind(event, binding) {
    binding.ref = this.#lastBinding++;
    this.#bindings.set(event, [...(this.#bindings.get(event) ?? NO_BINDINGS), binding]);
    return binding.ref;
  }

  // Stops one callback for the event, or all of them.
  off(event, ref) {
    if (ref === undefined) {
      this.#bindings.delete(event);
      return;
    }
    const bindings = this.#bindings.get(event) ?? NO_BINDINGS;
    this.#bindings.set(
      event,
      bindings.filter((binding) => binding.ref !== ref),
    );
  }

  onClose(callback) {
    return this.on("phx_close", callback);
  }

  onError(callback) {
    return this.on("phx_error", (reason) => callback(reason));
  }

  // To be replaced by an application that wants to see, or change, every payload before the callbacks.
  onMessage(_event, payload, _ref, _joinRef) {
    return payload;
  }

  canPush() {
    return this.socket.isConnected() && this.isJoined();
  }

  isClosed() {
    return this.state === "closed";
  }

  isErrored() {
    return this.state === "errored";
  }

  isJoined() {
    return this.state === "joined";
  }

  isJoining() {
    return this.state === "joining";
  }

  // Never true: leaving is done at once.
  isLeaving() {
    return false;
  }

  // The ref of the join in force, or null. It changes with each rejoin.
  joinRef() {
    const { epoch } = this._core;
    if (this.#epoch !== epoch) {
      this.#epoch = epoch;
      this.#joinRef = refText(this._core.ask(JOIN_REF, this._id));
    }
    return this.#joinRef ?? this.#lastJoinRef;
  }

  // Runs the callbacks for an event as if it had been received.
  trigger(event, payload, ref, joinRef) {
    this.#run(event, new Message(this.#hook(event, payload, ref, joinRef), ref, joinRef));
  }

  // An event came from the server.
  _receive(event, frame) {
    if (this.#isHooked()) this.trigger(event, frame.payload, frame.ref, frame.joinRef);
    else this.#run(event, frame);
  }

  // A push of this channel was answered; `frame` holds the answer, unless there was none in time.
  _settle(push, frame) {
    let reply = { status: "timeout", response: {} };
    if (frame) reply = this.#hook("phx_reply", frame.payload, frame.ref, frame.joinRef);
    const event = `chan_reply_${push.ref}`;
    const received = this.#hook(event, reply);
    const tell = [() => push._settle(received), () => this.#run(event, new Message(received))];
    if (frame) {
      tell.push(() => this.#run("phx_reply", new Message(reply, frame.ref, frame.joinRef)));
    }
    callEach(tell, (run) => run());
  }

  // The core has forgotten this channel; those who hear of that still get the ref of the join that ended.
  _ended(joinRef) {
    this.#lastJoinRef = joinRef;
  }

  #isHooked() {
    return this.onMessage !== Channel.prototype.onMessage;
  }

  #hook(event, payload, ref, joinRef) {
    const handled = this.onMessage(event, payload, ref, joinRef);
    if (payload && !handled) {
      throw new Error(
        "channel onMessage callbacks must return the payload, modified or unmodified",
      );
    }
    return handled;
  }

  #run(event, message) {
    const bindings = this.#bindings.get(event);
    if (bindings === undefined) return;
    if (bindings.length === 1) this.#call(bindings[0], message);
    else callEach(bindings, (binding) => this.#call(binding, message));
  }

  #call({ callback, raw }, message) {
    if (raw) callback(message);
    else callback(message.payload, message.ref, message.joinRef || this.joinRef());
  }
}
