// Runs a script with one client and records all that can be seen of it, so that two clients can be compared.

import { Clock } from "./clock.js";
import { transports } from "./transport.js";

// `script` gets a Recorder. Returns what it recorded: a list for what went over the wire, one for the
// callbacks, and one for the states after each step.
//
// A transport that is told to close has done so after 150 ms, because that is when phoenix.js first looks.
export function record(Socket, script, { closesAfter } = { closesAfter: 150 }) {
  const clock = new Clock().install();
  try {
    const recorder = new Recorder(Socket, clock, closesAfter);
    script(recorder);
    return recorder.recorded;
  } finally {
    clock.uninstall();
  }
}

class Recorder {
  recorded = { wire: [], callbacks: [], states: [] };
  channels = [];
  // Pushes by name.
  pushes = new Map();
  #clock;

  constructor(Socket, clock, closesAfter) {
    this.#clock = clock;
    this.Transport = transports((what) => this.#note("wire", what), closesAfter);
    this.socket = new Socket("ws://host/socket", {
      transport: this.Transport,
      // Numbers that do not add up to one another: what is due at the same time has no order to compare.
      heartbeatIntervalMs: 30_011,
      timeout: 9_973,
      reconnectAfterMs: (tries) => [13, 59, 101][tries - 1] ?? 1_009,
      rejoinAfterMs: (tries) => [1_013, 2_003][tries - 1] ?? 4_999,
    });
  }

  // Something that the script does. Errors are part of what is compared.
  step(name, act) {
    this.#note("wire", `-- ${name}`);
    this.#note("callbacks", `-- ${name}`);
    try {
      act(this);
    } catch (error) {
      this.#note("callbacks", `throws ${error.message}`);
    }
    this.#look();
  }

  wait(ms) {
    this.step(`wait ${ms}`, () => this.#clock.advance(ms));
  }

  get transport() {
    return this.Transport.last;
  }

  // Listens to the socket from now on. phoenix.js rejoins in callbacks of its channels, so what it does
  // before and after ours depends on which were there first.
  listen() {
    for (const kind of ["Open", "Close", "Error", "Message"]) {
      this.socket[`on${kind}`]((event) => this.told(`socket ${kind}`, event));
    }
  }

  channel(topic, events = ["shout", "phx_reply"], params = {}) {
    const channel = this.socket.channel(topic, params);
    const name = `channel ${this.channels.length}`;
    this.channels.push(channel);
    for (const event of events) {
      channel.on(event, (...args) => this.told(`${name} ${event}`, ...args));
    }
    channel.onError((...args) => this.told(`${name} onError`, ...args));
    channel.onClose((...args) => this.told(`${name} onClose`, ...args));
    return channel;
  }

  // Follows what becomes of a push.
  follow(name, push) {
    this.pushes.set(name, push);
    for (const status of ["ok", "error", "timeout", "other"]) {
      push.receive(status, (response) => this.told(`${name} ${status}`, response));
    }
  }

  told(name, ...args) {
    this.#note("callbacks", `${name}: ${args.map(words).join(" ")}`);
  }

  #note(list, what) {
    this.recorded[list].push(`${this.#clock.now} ${what}`);
  }

  #look() {
    const states = this.channels.map((channel) => {
      // The joinRef of a channel that has ended is of no meaning.
      const ended = channel.state === "closed";
      return ended ? "closed" : `${channel.state} ${channel.joinRef()} ${channel.canPush()}`;
    });
    this.#note("states", `${this.socket.connectionState()} ${this.socket.isConnected()} ${states}`);
  }
}

function words(value) {
  if (value instanceof ArrayBuffer) return `bytes ${[...new Uint8Array(value)]}`;
  return JSON.stringify(value);
}
