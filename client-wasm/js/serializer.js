// The frames of the protocol version 2.0.0, as a Socket encodes and decodes them by itself: for those who
// wrap it in one of their own. Neither function looks at `this`, so they can be passed around alone.

import { decodeBinary, encode } from "./frame.js";

export const Serializer = {
  encode: (message, callback) => callback(encode(message)),

  decode(frame, callback) {
    if (typeof frame === "string") {
      const [join_ref, ref, topic, event, payload] = JSON.parse(frame);
      return callback({ join_ref, ref, topic, event, payload });
    }
    const message = decodeBinary(frame);
    if (message === null) throw new Error("Serializer: this is no binary frame of the protocol");
    const { joinRef, ref, topic, event, payload } = message;
    return callback({ join_ref: joinRef, ref, topic, event, payload });
  },
};
