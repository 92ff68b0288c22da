// The application's callbacks, of which one that throws does not keep the others from being called.

// Calls each. The first error is thrown when all have been called, the others are reported.
export function callEach(callbacks, call) {
  // Most of the time there is none, and this is called for each message.
  let errors = null;
  for (let i = 0; i < callbacks.length; i++) {
    try {
      call(callbacks[i]);
    } catch (error) {
      (errors ??= []).push(error);
    }
  }
  throwFirst(errors);
}

// Null: there is none.
export function throwFirst(errors) {
  if (errors === null) return;
  errors.slice(1).forEach(reportError);
  throw errors[0];
}

// Nobody is there to catch it, so it is thrown where the environment reports it.
export function reportError(error) {
  queueMicrotask(() => {
    throw error;
  });
}
