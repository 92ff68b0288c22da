// Waiting for a condition instead of for a time: tests go on as soon as it holds, and say what never did.

const PATIENCE_MS = 15_000;
const LOOK_EVERY_MS = 5;

// Resolves with what `condition` returns as soon as that is truthy. `what` is for the error.
export async function until(what, condition) {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
