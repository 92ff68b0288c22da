// The page that a socket lives in, if it lives in one: when it is hidden nothing is connected again, and
// when it is put away (perhaps to come back later) the connection ends in an orderly way.

// What SocketCore.page is told: repeated from src/socket.rs.
const HIDDEN = 0;
const VISIBLE = 1;
const SHOWN = 2;
const LEFT = 3;
const RETURNED = 4;

const page = typeof window !== "undefined" && window.addEventListener ? window : null;

const isHidden = () => page?.document?.visibilityState === "hidden";

// Tells the core what the page does. `step` is the socket's.
export function watchPage(core, step) {
  if (!page) return;
  const tell = (what) => step((now) => core.page(now, what));
  const visibility = () => tell(isHidden() ? HIDDEN : SHOWN);
  page.addEventListener("pagehide", () => tell(LEFT));
  page.addEventListener("pageshow", () => tell(RETURNED));
  page.addEventListener("visibilitychange", visibility);
  // Some browsers leave out `visibilitychange` when they wake a page up.
  page.document?.addEventListener("resume", visibility);
}

// How the page is now, whether or not it has told of that.
export const pageVisibility = () => (isHidden() ? HIDDEN : VISIBLE);
