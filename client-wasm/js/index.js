export { Channel } from "./channel.js";
export { Presence } from "./presence.js";
export { Push } from "./push.js";
export { Socket } from "./socket.js";
