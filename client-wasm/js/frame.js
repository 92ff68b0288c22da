// Frames: those that come in, whose parts are made when they are asked for, and the writing of those that
// go out.

import { writeText } from "./wasm.js";

// Whether `value` is an ArrayBuffer, be it of another frame or window.
export const isBuffer = (value) => Object.prototype.toString.call(value) === "[object ArrayBuffer]";

// The parts in the order in which `SocketCore.part` numbers them: two numbers each, from and to.
const JOIN_REF = 0;
const REF = 2;
const TOPIC = 4;
const EVENT = 6;
const PAYLOAD = 8;
const PART_NUMBERS = 10;

const NOT_MADE = Symbol("not made");

// Counts what has been written into the frame buffer in wasm, to know what it holds.
let written = 0;

// Writes a frame, or a payload that stands for one, into the buffer in wasm.
export function writeFrame(text) {
  written += 1;
  writeText(String(text));
}

// A text frame that was received: written into the buffer, and understood by the core.
export class TextFrame {
  #at;
  #written = written;
  #payload = NOT_MADE;

  constructor(text, core) {
    this.text = text;
    this.#at = positions(core);
  }

  // Whether the buffer in wasm still holds this frame, and tells where its payload is.
  get isInBuffer() {
    return this.#written === written;
  }

  get ref() {
    return this.#value(REF);
  }

  get joinRef() {
    return this.#value(JOIN_REF);
  }

  get topic() {
    return this.#string(TOPIC);
  }

  get event() {
    return this.#string(EVENT);
  }

  get payloadText() {
    return this.#slice(PAYLOAD);
  }

  // Parsed once, and only if somebody looks at it.
  get payload() {
    if (this.#payload === NOT_MADE) this.#payload = JSON.parse(this.payloadText);
    return this.#payload;
  }

  #slice(part) {
    return this.text.slice(this.#at[part], this.#at[part + 1]);
  }

  #value(part) {
    const json = this.#slice(part);
    return json ? JSON.parse(json) : null;
  }

  #string(part) {
    const raw = this.#slice(part);
    return raw.includes("\\") ? JSON.parse(`"${raw}"`) : raw;
  }
}

// A message that was not received as text, or is no longer as it was received.
export class LocalMessage {
  isInBuffer = false;

  constructor(payload, ref, joinRef, topic, event) {
    this.payload = payload;
    this.ref = ref;
    this.joinRef = joinRef;
    this.topic = topic;
    this.event = event;
  }

  get payloadText() {
    return JSON.stringify(this.payload);
  }
}

// They are only valid until the next frame is received, so they are taken out at once.
function positions(core) {
  const at = new Array(PART_NUMBERS);
  for (let part = 0; part < PART_NUMBERS; part++) at[part] = core.part(part);
  return at;
}

// The text or bytes of a message.
export function encode({ join_ref, ref, topic, event, payload }) {
  return isBuffer(payload)
    ? encodeBinary([join_ref ?? "", ref ?? "", topic, event], payload)
    : JSON.stringify([join_ref, ref, topic, event, payload]);
}

// A message in parts as the core understands it: as text, and without the data.
export function withoutData({ joinRef, ref, topic, event, payload }) {
  return encode({ join_ref: joinRef, ref, topic, event, payload: { status: payload?.status } });
}

// What an error shows of a frame that is no message.
export const excerpt = (message) => {
  if (message === null) return "a binary frame";
  return typeof message === "string" ? JSON.stringify(message.slice(0, 100)) : "what decode returned";
};

// Binary frames: a kind, the lengths of some strings, the strings, and data. Each length is one byte.
const PUSH = 0;
const REPLY = 1;
const BROADCAST = 2;

const MAX_STRING = 255;

function encodeBinary(strings, payload) {
  const encoder = new TextEncoder();
  const parts = strings.map((string) => encoder.encode(string));
  for (const [index, { length }] of parts.entries()) {
    if (length <= MAX_STRING) continue;
    const name = ["join_ref", "ref", "topic", "event"][index];
    throw new Error(
      `a message with a binary payload must have a ${name} of at most ${MAX_STRING} bytes, and this has ${length}`,
    );
  }
  const header = [PUSH, ...parts.map((part) => part.length)];
  const size = parts.reduce((sum, part) => sum + part.length, header.length + payload.byteLength);
  const frame = new Uint8Array(size);
  let at = 0;
  for (const part of [header, ...parts, new Uint8Array(payload)]) {
    frame.set(part, at);
    at += part.length;
  }
  return frame.buffer;
}

// The message of a binary frame; null if it is none.
export function decodeBinary(data) {
  const bytes = isBuffer(data)
    ? new Uint8Array(data)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const count = { [PUSH]: 3, [REPLY]: 4, [BROADCAST]: 2 }[bytes[0]];
  if (!count) return null;
  const decoder = new TextDecoder();
  let at = 1 + count;
  const strings = Array.from(bytes.subarray(1, at), (length) =>
    decoder.decode(bytes.subarray(at, (at += length))),
  );
  if (strings.length < count || at > bytes.length) return null;
  const payload = bytes.slice(at).buffer;
  switch (bytes[0]) {
    case PUSH: {
      const [joinRef, topic, event] = strings;
      return new LocalMessage(payload, null, joinRef, topic, event);
    }
    case REPLY: {
      const [joinRef, ref, topic, status] = strings;
      const reply = { status, response: payload };
      return new LocalMessage(reply, ref, joinRef, topic, "phx_reply");
    }
    default: {
      const [topic, event] = strings;
      return new LocalMessage(payload, null, null, topic, event);
    }
  }
}
