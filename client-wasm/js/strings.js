/** Whether `text` has `what` at that place. Engines take ten times as long for `startsWith`. */
export const hasAt = (text, what, at) => text.slice(at, at + what.length) === what;

/** The same string, which keeps no other alive that it was cut from. */
export function copyOf(string) {
  return [string.slice(0, 1), string.slice(1)].join("");
}
