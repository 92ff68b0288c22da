export * from "./presence.js";
export * from "./socket.js";
