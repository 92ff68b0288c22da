// The client, however the wasm comes. A release has all of it in this module, as one.

export { Channel } from "./channel.js";
export { LongPoll } from "./longpoll.js";
export { Presence } from "./presence.js";
export { Push } from "./push.js";
export { Serializer } from "./serializer.js";
export { Socket } from "./socket.js";

// Not for applications.
export { inPieces } from "./pieces.js";
export { Reader } from "./reader.js";
export { Table } from "./table.js";
export { explain, start, wasm } from "./wasm.js";
