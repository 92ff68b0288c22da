// Time as a number that a test advances. Everything that asks the environment for the time or for a timer
// gets it from here, phoenix.js and our package alike.

const names = ["setTimeout", "clearTimeout"];

export class Clock {
  now = 0;
  #timers = new Map();
  #lastTimer = 0;
  #real = {};

  // Takes the place of the real clock until `uninstall`.
  install() {
    for (const name of names) this.#real[name] = globalThis[name];
    this.#real.now = [performance.now, Date.now];
    globalThis.setTimeout = (callback, delay = 0) => {
      const timer = ++this.#lastTimer;
      this.#timers.set(timer, { at: this.now + Math.max(0, delay), callback });
      return timer;
    };
    globalThis.clearTimeout = (timer) => this.#timers.delete(timer);
    performance.now = Date.now = () => this.now;
    return this;
  }

  uninstall() {
    for (const name of names) globalThis[name] = this.#real[name];
    [performance.now, Date.now] = this.#real.now;
  }

  // Fires every timer that is due until then, in the order of time and then of their making.
  advance(ms) {
    const end = this.now + ms;
    for (;;) {
      let first = null;
      for (const [timer, { at }] of this.#timers) {
        if (at <= end && (first === null || at < this.#timers.get(first).at)) first = timer;
      }
      if (first === null) break;
      const { at, callback } = this.#timers.get(first);
      this.#timers.delete(first);
      this.now = Math.max(this.now, at);
      callback();
    }
    this.now = end;
  }

  // How many timers wait.
  get pending() {
    return this.#timers.size;
  }
}
