// The page that a socket lives in, if it lives in one: when it is hidden nothing is connected again, and
// when it is put away (perhaps to come back later) the connection ends in an orderly way.

import { PAGE_HIDDEN, PAGE_LEFT, PAGE_RETURNED, PAGE_SHOWN, PAGE_VISIBLE } from "./core.js";

const page = typeof window !== "undefined" && window.addEventListener ? window : null;

const isHidden = () => page?.document?.visibilityState === "hidden";

// What tells `tell` what the page does. The page holds on to it while it watches, so it must be told to stop.
export function pageWatch(tell) {
  const visibility = () => tell(isHidden() ? PAGE_HIDDEN : PAGE_SHOWN);
  const listeners = [
    [page, "pagehide", () => tell(PAGE_LEFT)],
    [page, "pageshow", () => tell(PAGE_RETURNED)],
    [page, "visibilitychange", visibility],
    // Some browsers leave out `visibilitychange` when they wake a page up.
    [page?.document, "resume", visibility],
  ];
  const each = (method) => () => {
    for (const [target, event, listener] of listeners) target?.[method](event, listener);
  };
  // A listener that is there already is not added again.
  return { start: each("addEventListener"), stop: each("removeEventListener") };
}

// How the page is now, whether or not it has told of that.
export const pageVisibility = () => (isHidden() ? PAGE_HIDDEN : PAGE_VISIBLE);
