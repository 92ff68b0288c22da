// TextEncoder and TextDecoder, also where there are none, as in jsdom: plain loops then do what we need of
// them. The glue of wasm-bindgen is made to take its TextDecoder from here, too.

class Encoder {
  encodeInto(text, target) {
    let read = 0;
    let written = 0;
    for (const character of text) {
      const code = character.codePointAt(0);
      const length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
      if (written + length > target.length) break;
      // Half of a surrogate pair has no UTF-8.
      const scalar = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code;
      if (length === 1) {
        target[written] = scalar;
      } else {
        target[written] = ((0xf00 >> length) & 0xff) | (scalar >> (6 * (length - 1)));
        for (let i = 1; i < length; i++) {
          target[written + i] = 0x80 | ((scalar >> (6 * (length - 1 - i))) & 0x3f);
        }
      }
      read += character.length;
      written += length;
    }
    return { read, written };
  }
}

// For valid UTF-8.
class Decoder {
  decode(part = []) {
    let text = "";
    for (let i = 0; i < part.length; ) {
      const first = part[i++];
      const more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
      let code = more === 0 ? first : first & (0x3f >> more);
      for (const end = i + more; i < end; i++) code = (code << 6) | (part[i] & 0x3f);
      text += String.fromCodePoint(code);
    }
    return text;
  }
}

export const TextEncoder = globalThis.TextEncoder ?? Encoder;
export const TextDecoder = globalThis.TextDecoder ?? Decoder;
