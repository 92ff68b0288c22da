export * from "./presence.js";
