// The page that a socket lives in, if it lives in one: when it is hidden nothing is connected again, and
// when it is put away (perhaps to come back later) the connection ends in an orderly way.

import { PAGE_HIDDEN, PAGE_LEFT, PAGE_RETURNED, PAGE_SHOWN, PAGE_VISIBLE } from "./core.js";

const page = typeof window !== "undefined" && window.addEventListener ? window : null;

const isHidden = () => page?.document?.visibilityState === "hidden";

// Tells the core what the page does. `step` is the socket's.
export function watchPage(core, step) {
  if (!page) return;
  const tell = (what) => step(() => core.call(what));
  const visibility = () => tell(isHidden() ? PAGE_HIDDEN : PAGE_SHOWN);
  page.addEventListener("pagehide", () => tell(PAGE_LEFT));
  page.addEventListener("pageshow", () => tell(PAGE_RETURNED));
  page.addEventListener("visibilitychange", visibility);
  // Some browsers leave out `visibilitychange` when they wake a page up.
  page.document?.addEventListener("resume", visibility);
}

// How the page is now, whether or not it has told of that.
export const pageVisibility = () => (isHidden() ? PAGE_HIDDEN : PAGE_VISIBLE);
