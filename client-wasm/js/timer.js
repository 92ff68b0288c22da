// The time, and one timer for everything that waits.

// The longest that `setTimeout` can wait.
const LONGEST = 2 ** 31 - 1;

export class Timer {
  #now = 0;
  #handle;
  #at = Infinity;

  // Milliseconds that never run backwards.
  now() {
    const now = globalThis.performance ? performance.now() : Date.now();
    this.#now = Math.max(this.#now, now);
    return this.#now;
  }

  // Calls `fire` at this time; at none if it is negative. Firing too early does no harm, so a timer that
  // runs is only replaced by an earlier one.
  set(at, fire) {
    if (at >= 0 && at >= this.#at) return;
    clearTimeout(this.#handle);
    this.#at = Infinity;
    if (at < 0) return;
    const delay = Math.min(Math.max(0, at - this.now()), LONGEST);
    const end = this.#now + delay;
    this.#at = end;
    this.#handle = setTimeout(() => {
      this.#at = Infinity;
      // It is at least that late now. Timers are coarser than clocks, and in a test they may be faked while
      // the clock is not.
      this.#now = Math.max(this.#now, end);
      fire();
    }, delay);
  }
}

const RECONNECT_AFTER = [10, 50, 100, 150, 200, 250, 500, 1000, 2000];
const REJOIN_AFTER = [1000, 2000, 5000];

// How long to wait before this try, the first of which is 1, unless the application has a function for that.
export const reconnectAfter = (tries) => RECONNECT_AFTER[tries - 1] || 5000;
export const rejoinAfter = (tries) => REJOIN_AFTER[tries - 1] || 10000;
// If such a function gives none.
export const DELAY_IF_NONE = 5000;
