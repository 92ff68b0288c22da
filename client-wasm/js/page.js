// The page that a socket lives in, if it lives in one: when it is hidden nothing is connected again, and
// when it is put away (perhaps to come back later) the connection ends in an orderly way.

const page = typeof window !== "undefined" && window.addEventListener ? window : null;

// Tells the core what the page does. `step` is the socket's.
export function watchPage(core, step) {
  if (!page) return;
  const visibility = () =>
    step((now) => {
      if (isPageHidden()) core.page_hidden(true);
      else core.page_shown(now);
    });
  page.addEventListener("pagehide", () => step((now) => core.page_left(now)));
  page.addEventListener("pageshow", () => step(() => core.page_returned()));
  page.addEventListener("visibilitychange", visibility);
  // Some browsers leave out `visibilitychange` when they wake a page up.
  page.document?.addEventListener("resume", visibility);
}

export const isPageHidden = () => page?.document?.visibilityState === "hidden";
