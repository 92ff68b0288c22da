// Messages: those that come in, whose payloads are parsed when somebody looks at them, and the writing of those that
// go out.

import { copyOf, hasAt } from "./strings.js";

// Whether `value` is an ArrayBuffer, be it of another frame or window.
export const isBuffer = (value) => Object.prototype.toString.call(value) === "[object ArrayBuffer]";

// What comes before the payload in a message that was received as text. The last three are socket.js's: what the core has
// said of such messages, in which of its epochs, and of which connection.
const newHead = (text, [joinRef, ref, topic, event]) => ({
  text, joinRef, ref, topic, event, heard: 0, epoch: null, connection: 0,
});

// A message that was received as text, and whose payload nobody has looked at yet.
class TextMessage {
  // Engines forget what they have learned of a kind of object when the last one has gone: one stays.
  static kept = new TextMessage("", newHead('[null,null,"","",', [null, null, "", ""]));

  #payload;

  constructor(text, head) {
    this.text = text;
    this.head = head;
    this.joinRef = head.joinRef;
    this.ref = head.ref;
    this.topic = head.topic;
    this.event = head.event;
  }

  // The payload as it came, if nothing comes after it.
  get payloadText() {
    return this.text.slice(this.start, this.text.endsWith("]") ? -1 : undefined);
  }

  // Where in the text the payload begins.
  get start() {
    return this.head.text.length;
  }

  // Whether somebody has looked at the payload, and may have changed it.
  get isSeen() {
    return this.#payload !== undefined;
  }

  // Parsed once, and only if somebody looks at it.
  get payload() {
    if (this.#payload === undefined) {
      try {
        this.#payload = JSON.parse(this.payloadText);
      } catch {
        this.#payload = this.#parseWhole();
      }
    }
    return this.#payload;
  }

  // More may come after the payload.
  #parseWhole() {
    try {
      return JSON.parse(this.text)[4];
    } catch (cause) {
      const what = `the payload of '${this.event}' on '${this.topic}' is no JSON`;
      throw new SyntaxError(`Socket: ${what}: ${excerpt(this.payloadText)}`, { cause });
    }
  }
}

// A message in parts, which was not received as text, or not as servers write it.
export class Message {
  head = null;

  constructor(payload, ref, joinRef, topic, event) {
    this.payload = payload;
    this.ref = ref;
    this.joinRef = joinRef;
    this.topic = topic;
    this.event = event;
  }
}

// The two heads that were read last: the messages of a room have the same time after time. No longer ones are kept.
const MAX_HEAD = 4096;
let lastHead = TextMessage.kept.head;
let headBefore = lastHead;

// The message of a text frame; null if it is none.
export function decodeText(text) {
  if (hasAt(text, lastHead.text, 0)) return new TextMessage(text, lastHead);
  if (hasAt(text, headBefore.text, 0)) return new TextMessage(text, headBefore);
  const head = headOf(text);
  if (head !== null) {
    if (head.text.length <= MAX_HEAD) {
      headBefore = lastHead;
      lastHead = head;
    }
    return new TextMessage(text, head);
  }
  try {
    const [joinRef, ref, topic, event, payload] = JSON.parse(text);
    return new Message(payload, ref, joinRef, topic, event);
  } catch {
    return null;
  }
}

// The head of a message that is written as servers do it: the four parts before the payload are null or strings
// without escapes, and there is no whitespace. Null for any other, and for replies, which are parsed anyway. (Not by a
// regular expression for all of it: those keep the last text alive.)
function headOf(text) {
  const spans = [];
  let at = 1;
  for (let i = 0; i < 4; i++) {
    const isString = text[at] === '"';
    const end = isString ? text.indexOf('"', at + 1) + 1 : at + 4;
    if (text[end] !== ",") return null;
    if (!isString && (i > 1 || text.slice(at, end) !== "null")) return null;
    spans.push(isString ? [at + 1, end - 1] : null);
    at = end + 1;
  }
  // It outlives the rest of the text.
  const head = copyOf(text.slice(0, at));
  if (head[0] !== "[" || /[\\\x00-\x1f]/.test(head)) return null;
  const parts = spans.map((span) => span && head.slice(...span));
  return parts[3] === "phx_reply" ? null : newHead(head, parts);
}

// The text or bytes of a message.
export function encode({ join_ref, ref, topic, event, payload }) {
  return isBuffer(payload)
    ? encodeBinary([join_ref ?? "", ref ?? "", topic, event], payload)
    : JSON.stringify([join_ref, ref, topic, event, payload]);
}

// What an error shows of what is no message; nothing is what an application's own `decode` returned.
export const excerpt = (data) => {
  if (data === undefined) return "what decode returned";
  return typeof data === "string" ? JSON.stringify(data.slice(0, 100)) : "a binary frame";
};

// Binary frames: a kind, the lengths of some strings, the strings, and data. Each length is one byte.
const PUSH = 0;
const REPLY = 1;
const BROADCAST = 2;

const MAX_STRING = 255;

// jsdom, for one, has neither of them.
function coder(name) {
  const Coder = globalThis[name];
  if (!Coder) throw new Error(`binary payloads need ${name}, which this environment does not have`);
  return new Coder();
}

function encodeBinary(strings, payload) {
  const encoder = coder("TextEncoder");
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
  const decoder = coder("TextDecoder");
  let at = 1 + count;
  const strings = Array.from(bytes.subarray(1, at), (length) =>
    decoder.decode(bytes.subarray(at, (at += length))),
  );
  if (strings.length < count || at > bytes.length) return null;
  const payload = bytes.slice(at).buffer;
  // The last ones are the topic and the event; in a reply, the topic and the status.
  const last = strings.pop();
  const topic = strings.pop();
  const [joinRef = null, ref = null] = strings;
  if (bytes[0] !== REPLY) return new Message(payload, null, joinRef, topic, last);
  return new Message({ status: last, response: payload }, ref, joinRef, topic, "phx_reply");
}
