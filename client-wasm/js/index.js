// The client, ready on import: the bytes of the wasm come with the code and are compiled synchronously, so
// nobody waits for anything, and no bundler has to know what a .wasm file is.

import "./inline.js";

export { Channel, LongPoll, Presence, Push, Serializer, Socket } from "./client.js";
