// A page that is hidden, put away and shown again: npm phoenix and our package must do the same. Both look
// for a window when they are imported, so there is one before that.

import assert from "node:assert/strict";
import { test } from "node:test";

import { collected } from "../support/gc.js";
import { record } from "../support/recorder.js";

// As much of a window, or of its document, as is looked at. Those of phoenix.js listen for ever: `reset` ends that.
class Target {
  listeners = [];

  addEventListener(event, listener) {
    if (!this.#has(event, listener)) this.listeners.push([event, listener]);
  }

  removeEventListener(event, listener) {
    this.listeners = this.listeners.filter(([name, other]) => name !== event || other !== listener);
  }

  dispatch(event) {
    for (const [name, listener] of this.listeners) if (name === event) listener({});
  }

  reset() {
    this.listeners = [];
  }

  #has(event, listener) {
    return this.listeners.some(([name, other]) => name === event && other === listener);
  }
}

class Page extends Target {
  document = Object.assign(new Target(), { visibilityState: "visible" });
  location = { protocol: "https:", host: "example.com:8443" };

  turn(visibilityState) {
    this.document.visibilityState = visibilityState;
    this.dispatch("visibilitychange");
  }

  reset() {
    super.reset();
    this.document.reset();
    this.document.visibilityState = "visible";
  }
}

const page = new Page();
globalThis.window = page;
globalThis.location = page.location;

const phoenix = await import("phoenix");
const { Socket } = await import("../support/package.js");

function same(name, script) {
  test(name, () => {
    const run = (Client) => {
      page.reset();
      return record(Client, script);
    };
    assert.deepEqual(run(Socket), run(phoenix.Socket));
  });
}

const open = (world) => {
  world.step("connect", () => world.socket.connect());
  world.step("opened", () => world.transport.opened());
};

const joined = (world) => {
  const channel = world.channel("room:1");
  world.step("join", () => world.follow("join", channel.join()));
  world.step("joined", () => {
    const ref = channel.joinRef();
    const payload = { status: "ok", response: {} };
    world.transport.receive([ref, ref, "room:1", "phx_reply", payload]);
  });
};

const turn = (world, state) => world.step(state, () => page.turn(state));
const dispatch = (world, event, target = page) => world.step(event, () => target.dispatch(event));

same("a hidden page does not reconnect, and a shown one does so at once", (world) => {
  world.listen();
  open(world);
  joined(world);
  turn(world, "hidden");
  world.step("failed", () => world.transport.failed());
  world.wait(10_000);
  turn(world, "visible");
  world.step("opened", () => world.transport.opened());
  turn(world, "hidden");
  turn(world, "visible");
});

same("a page that is shown does not wait for the delay", (world) => {
  open(world);
  for (let i = 0; i < 4; i++) {
    world.step("failed", () => world.transport.failed());
    world.wait(200);
  }
  turn(world, "visible");
  dispatch(world, "resume", page.document);
  world.step("failed", () => world.transport.failed());
  world.wait(2_000);
});

same("a page that was hidden when it began reconnects when it is shown", (world) => {
  page.document.visibilityState = "hidden";
  open(world);
  world.step("failed", () => world.transport.failed());
  world.wait(2_000);
  page.document.visibilityState = "visible";
  dispatch(world, "resume", page.document);
  world.step("opened", () => world.transport.opened());
});

same("a connection that hangs is replaced when the page is shown", (world) => {
  world.step("connect", () => world.socket.connect());
  turn(world, "hidden");
  turn(world, "visible");
  world.wait(1_000);
  world.step("opened", () => world.transport.opened());
});

same("showing a page connects nothing that was not connected", (world) => {
  turn(world, "hidden");
  turn(world, "visible");
  open(world);
  world.step("disconnect", () => world.socket.disconnect());
  world.wait(1_000);
  turn(world, "hidden");
  turn(world, "visible");
});

same("a page that is put away disconnects, and connects when it comes back", (world) => {
  world.listen();
  open(world);
  joined(world);
  dispatch(world, "pagehide");
  world.wait(10_000);
  dispatch(world, "pageshow");
  world.step("opened", () => world.transport.opened());
  dispatch(world, "pagehide");
  dispatch(world, "pageshow");
  world.step("opened", () => world.transport.opened());
  world.wait(1_000);
});

same("a page that comes back does not undo a disconnect", (world) => {
  open(world);
  dispatch(world, "pagehide");
  world.step("disconnect", () => world.socket.disconnect());
  dispatch(world, "pageshow");
  world.wait(1_000);
  dispatch(world, "pagehide");
  dispatch(world, "pageshow");
});

same("what the page did while nothing was connected is known at the next connect", (world) => {
  open(world);
  turn(world, "hidden");
  world.step("disconnect", () => world.socket.disconnect());
  world.wait(1_000);
  turn(world, "visible");
  open(world);
  world.step("failed", () => world.transport.failed());
  world.wait(2_000);
});

test("the page holds a socket from connect to disconnect, once", () => {
  page.reset();
  const listeners = () => [...page.listeners, ...page.document.listeners].map(([event]) => event).sort();
  const watched = ["pagehide", "pageshow", "resume", "visibilitychange"];
  record(Socket, ({ socket, Transport }) => {
    assert.deepEqual(listeners(), []);
    for (const _ of [1, 2]) {
      socket.connect();
      socket.connect();
      assert.deepEqual(listeners(), watched);
      Transport.last.opened();
      page.dispatch("pagehide");
      page.dispatch("pageshow");
      assert.deepEqual(listeners(), watched);
      socket.disconnect();
      assert.deepEqual(listeners(), []);
    }
  });
});

test("a socket that was disconnected is let go of", async () => {
  page.reset();
  const use = () => {
    let reference;
    record(Socket, ({ socket, Transport }) => {
      socket.connect();
      Transport.last.opened();
      socket.disconnect();
      reference = new WeakRef(socket);
    });
    return reference;
  };
  await collected("the socket", use());
});

test("an address without a host is that of the page", () => {
  for (const endPoint of ["/socket", "//other.example/socket", "ws://host:1/socket", "wss://h/s"]) {
    for (const params of [{}, { a: "b c", d: { e: [1, 2], f: { g: "&" } } }, () => ({ h: "ü" })]) {
      const options = { params, transport: class {} };
      const [ours, theirs] = [Socket, phoenix.Socket].map(
        (Client) => new Client(endPoint, options),
      );
      assert.equal(ours.endPointURL(), theirs.endPointURL());
      assert.equal(ours.protocol(), theirs.protocol());
    }
  }
  const socket = new Socket("/socket", { params: { left: null, out: {}, kept: 0 } });
  assert.equal(socket.endPointURL(), "wss://example.com:8443/socket/websocket?kept=0&vsn=2.0.0");
});
