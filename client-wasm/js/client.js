// What the package exports, however the wasm comes.

export { Channel } from "./channel.js";
export { LongPoll } from "./longpoll.js";
export { Presence } from "./presence.js";
export { Push } from "./push.js";
export { Serializer } from "./serializer.js";
export { Socket } from "./socket.js";
