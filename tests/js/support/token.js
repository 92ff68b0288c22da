// Tokens as `Phoenix.Token.sign/4` makes them, for a server that was given the secret.

import { createHmac, pbkdf2Sync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startServer } from "./server.js";

export const SECRET = "the secret of these tests, and of nothing else, in the whole world";
const SALT = "user socket";
const DAY_S = 86_400;

// A token for a user's id. `age` is how long ago it was signed, in seconds.
export function sign(user, { secret = SECRET, age = 0, maxAge = DAY_S } = {}) {
  const payload = `SFMyNTY.${term(user, Date.now() - age * 1000, maxAge).toString("base64url")}`;
  const key = pbkdf2Sync(secret, SALT, 1000, 32, "sha256");
  return `${payload}.${createHmac("sha256", key).update(payload).digest("base64url")}`;
}

// `{user, signed_at, max_age}` in Erlang's external format.
function term(user, signedAt, maxAge) {
  const text = Buffer.from(user);
  const [length, time, age] = [Buffer.alloc(4), Buffer.alloc(6), Buffer.alloc(4)];
  length.writeUInt32BE(text.length);
  time.writeUIntLE(signedAt, 0, 6);
  age.writeInt32BE(maxAge);
  const [version, tuple, binary, big, integer] = [131, 104, 109, 110, 98];
  return Buffer.concat([
    Buffer.from([version, tuple, 3, binary]), length, text,
    Buffer.from([big, 6, 0]), time,
    Buffer.from([integer]), age,
  ]);
}

// Starts a server that lets only holders of a token in. `options` are those of `startServer`.
export async function startGuardedServer(options = {}) {
  const dir = mkdtempSync(join(tmpdir(), "herenow-secret-"));
  const file = join(dir, "secret");
  writeFileSync(file, SECRET);
  try {
    return await startServer({ ...options, flags: ["--secret-key-base-file", file, ...(options.flags ?? [])] });
  } finally {
    // The server has read it.
    rmSync(dir, { recursive: true });
  }
}
