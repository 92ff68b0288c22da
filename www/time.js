// Times as people say them.

const FORMAT = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });

// Milliseconds since the epoch of a meta's `online_at` (unix seconds, as a string); now if it says
// nothing of use.
export function onlineAt(meta, now = Date.now()) {
  const seconds = Number(meta?.online_at);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds * 1000, now) : now;
}

// "just now", "5 min", "3 h 20 min", "2 days". Somebody else's clock may run ahead: that is "just now".
export function lasting(since, now = Date.now()) {
  const minutes = Math.floor((now - since) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return days === 1 ? "1 day" : `${days} days`;
}

export const clock = (at = new Date()) => FORMAT.format(at);
