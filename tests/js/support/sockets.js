// Sockets of ours on a transport whose other end is the test, and on a clock that stands still. Every test of a file that
// imports this has its own.

import { afterEach, beforeEach } from "node:test";

import { Clock } from "./clock.js";
import { Socket } from "./package.js";
import { transports } from "./transport.js";

export let clock;
export let Transport;

beforeEach(() => {
  clock = new Clock().install();
  Transport = transports();
});
afterEach(() => clock.uninstall());

export function newSocket(options = {}) {
  return new Socket("ws://host/socket", { transport: Transport, ...options });
}

export function openSocket(options) {
  const socket = newSocket(options);
  socket.connect();
  Transport.last.opened();
  return socket;
}

export function joinedChannel(socket, topic = "room:1") {
  const channel = socket.channel(topic);
  channel.join();
  reply(channel.joinRef(), topic);
  return channel;
}

export function reply(ref, topic, status = "ok", response = {}, joinRef = ref) {
  Transport.last.receive([joinRef, ref, topic, "phx_reply", { status, response }]);
}

export const sent = () => Transport.last.sent.map((frame) => JSON.parse(frame));
