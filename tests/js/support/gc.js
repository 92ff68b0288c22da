// What has been let go of: garbage is collected when a test says so.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { until } from "./wait.js";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc");

// Waits until nobody holds what the WeakRef is for.
export const collected = (what, reference) =>
  until(`${what} is collected`, () => {
    gc();
    return reference.deref() === undefined;
  });
