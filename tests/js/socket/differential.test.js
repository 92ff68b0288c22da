// npm phoenix and our package, driven by the same scripts over the same transports and clocks: what they
// send, whom they call and the states that they show must be the same, to the byte and the millisecond.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as phoenix from "phoenix";

import { Socket } from "../support/package.js";
import { record } from "../support/recorder.js";

function same(name, script, options) {
  test(name, () => {
    assert.deepEqual(record(Socket, script, options), record(phoenix.Socket, script, options));
  });
}

// The server's answer to the frame sent last (or before it), if the client sent one.
const answer = (world, status = "ok", response = {}, back = 1) => {
  const [join_ref, ref, topic] = JSON.parse(world.transport.sent.at(-back));
  world.transport.receive([join_ref, ref, topic, "phx_reply", { status, response }]);
};

const open = (world) => {
  world.step("connect", () => world.socket.connect());
  world.step("opened", () => world.transport.opened());
};

const join = (world, topic) => {
  const channel = world.channel(topic);
  world.step(`join ${topic}`, () => world.follow(`join of ${topic}`, channel.join()));
  return channel;
};

const joined = (world, topic) => {
  const channel = join(world, topic);
  world.step("joined", () => answer(world));
  return channel;
};

same("connecting, joining, pushing and leaving", (world) => {
  world.listen();
  open(world);
  const channel = joined(world, "room:1");
  world.step("push", () => world.follow("push", channel.push("hi", { a: "ü", b: [1] })));
  world.step("answer", () => answer(world, "other", { c: 1 }));
  world.step("answer twice", () => answer(world));
  world.step("message", () =>
    world.transport.receive([null, null, "room:1", "shout", { text: "grüße 😀" }]),
  );
  world.step("escaped", () =>
    world.transport.receive('["7",null,"room\\u003a1","s\\u0068out", {"a" :"\\n"}]'),
  );
  world.step("leave", () => world.follow("leave", channel.leave()));
  world.step("answer to leave", () => answer(world));
  world.step("close", () => world.transport.receive(["7", "7", "room:1", "phx_close", {}]));
});

same("what is done before connecting", (world) => {
  const [first, second, third] = ["a", "b", "c"].map((topic) => world.channel(topic));
  world.listen();
  world.step("push too early", () => first.push("x"));
  for (const [name, channel] of Object.entries({ first, second, third })) {
    world.step(`join ${name}`, () => world.follow(name, channel.join(5_003)));
  }
  world.step("push", () => world.follow("push", first.push("x", { y: 1 })));
  world.step("impatient", () => world.follow("impatient", first.push("x", { y: 2 }, 101)));
  world.step("raw", () =>
    world.socket.push({ topic: "t", event: "e", payload: 1, ref: "r", join_ref: "j" }),
  );
  world.step("leave", () => world.follow("leave", second.leave()));
  world.step("join twice", () => first.join());
  world.wait(1_000);
  open(world);
  world.step("refused", () => answer(world, "error", { reason: "no" }));
  world.step("joined", () => answer(world, "ok", {}, 3));
  world.step("answered", () => answer(world));
  world.wait(20_000);
});

same("a broken connection, and the next one", (world) => {
  open(world);
  const channel = joined(world, "room:1");
  join(world, "room:2");
  world.listen();
  world.step("under way", () => world.follow("under way", channel.push("x")));
  world.step("failed", () => world.transport.failed());
  world.step("waits", () => world.follow("waits", channel.push("y")));
  world.step("connect is not needed", () => world.socket.connect());
  for (let i = 0; i < 5; i++) {
    world.wait(1_500);
    world.step("failed again", () => world.transport.failed());
  }
  world.wait(1_500);
  world.step("opened", () => world.transport.opened());
  world.step("joined", () => answer(world, "ok", {}, 2));
  world.wait(10_000);
  world.step("closed normally", () => world.transport.closed(1000));
  world.wait(100);
  world.step("opened", () => world.transport.opened());
});

same("joins that are refused, and joins without an answer", (world) => {
  open(world);
  join(world, "refused");
  for (let i = 0; i < 5; i++) {
    world.step("refuse", () => answer(world, "error"));
    world.wait(5_000);
  }
  world.step("accept", () => answer(world));
  join(world, "unanswered");
  world.wait(40_000);
  world.step("late", () => world.transport.receive(["20", "20", "unanswered", "phx_reply", {}]));
});

same("channels that crash or are closed", (world) => {
  open(world);
  const crashed = joined(world, "crashed");
  world.step("crash", () =>
    world.transport.receive([crashed.joinRef(), "1", "crashed", "phx_error", { reason: "x" }]),
  );
  world.step("push", () => world.follow("push", crashed.push("x")));
  world.step("another crash", () =>
    world.transport.receive([null, null, "crashed", "phx_error", {}]),
  );
  world.wait(1_500);
  world.step("joined", () => answer(world));
  const closed = joined(world, "closed");
  world.step("close", () =>
    world.transport.receive([closed.joinRef(), closed.joinRef(), "closed", "phx_close", {}]),
  );
  const joining = join(world, "joining");
  world.step("crash", () =>
    world.transport.receive([joining.joinRef(), null, "joining", "phx_error", {}]),
  );
  world.wait(2_000);
  world.step("leave", () => world.follow("leave", joining.leave()));
  world.step("leave", () => world.follow("leave", crashed.leave()));
  world.wait(20_000);
});

same("a second channel on a topic", (world) => {
  open(world);
  const first = joined(world, "room:1");
  world.step("push", () => world.follow("push", first.push("x")));
  const second = join(world, "room:1");
  world.step("joined", () => answer(world));
  world.step("old", () => world.transport.receive(["3", "3", "room:1", "phx_close", {}]));
  world.step("broadcast", () => world.transport.receive([null, null, "room:1", "shout", {}]));
  world.step("push on the old one", () => world.follow("old", first.push("x")));
  world.step("push", () => world.follow("new", second.push("x")));
  world.wait(20_000);
});

same("heartbeats", (world) => {
  world.listen();
  open(world);
  joined(world, "room:1");
  for (let i = 0; i < 3; i++) {
    world.wait(30_011);
    world.step("answer", () => answer(world));
  }
  world.wait(60_021);
  world.wait(1);
  world.wait(1_000);
  world.step("opened", () => world.transport.opened());
  world.step("joined", () => answer(world));
});

same("disconnecting and connecting again", (world) => {
  world.listen();
  open(world);
  const channel = joined(world, "room:1");
  world.step("push", () => world.follow("push", channel.push("x")));
  world.step("disconnect", () =>
    world.socket.disconnect(() => world.told("disconnected"), 4_001, "bye"),
  );
  world.step("push", () => world.follow("later", channel.push("y")));
  world.wait(5_000);
  open(world);
  world.step("joined", () => answer(world));
  world.wait(20_000);
  world.step("disconnect", () => world.socket.disconnect());
  world.step("connect at once", () => world.socket.connect());
  world.step("opened", () => world.transport.opened());
  world.step("the old one says more", () =>
    world.Transport.made.at(-2).receive([null, null, "room:1", "shout", {}]),
  );
  world.wait(1_000);
  world.step("disconnect", () => world.socket.disconnect(() => world.told("disconnected")));
  world.step("twice", () => world.socket.disconnect(() => world.told("disconnected again")));
  world.wait(1_000);
  world.step("disconnect", () => world.socket.disconnect(() => world.told("disconnected")));
});

same(
  "a transport that never says that it has closed",
  (world) => {
    world.listen();
    open(world);
    joined(world, "room:1");
    world.wait(65_000);
    world.step("opened", () => world.transport.opened());
    world.step("disconnect", () => world.socket.disconnect(() => world.told("disconnected")));
    world.wait(10_000);
    world.step("closed after all", () => world.transport.closed());
  },
  { closesAfter: undefined },
);

same("a transport that is closing does not take pushes", (world) => {
  open(world);
  const channel = joined(world, "room:1");
  world.step("closing", () => (world.transport.readyState = 2));
  world.step("push", () => world.follow("push", channel.push("x")));
  world.step("ping", () =>
    world.told(
      "ping",
      world.socket.ping(() => {}),
    ),
  );
  world.step("raw", () => world.socket.push({ topic: "t", event: "e", payload: {}, ref: "1" }));
  world.step("closed", () => world.transport.closed());
  world.wait(100);
  world.step("opened", () => world.transport.opened());
  world.step("joined", () => answer(world));
});

same("pings", (world) => {
  world.listen();
  world.step("ping", () =>
    world.told(
      "pinged",
      world.socket.ping(() => {}),
    ),
  );
  open(world);
  world.step("ping", () =>
    world.told(
      "pinged",
      world.socket.ping((rtt) => world.told("pong", rtt)),
    ),
  );
  world.wait(7);
  world.step("answer", () => answer(world));
  world.step("answer twice", () => answer(world));
  world.step("ping", () => world.socket.ping((rtt) => world.told("pong", rtt)));
  world.step("failed", () => world.transport.failed());
  world.wait(100);
  world.step("opened", () => world.transport.opened());
  world.step("late", () =>
    world.transport.receive([null, "2", "phoenix", "phx_reply", { status: "ok", response: {} }]),
  );
});

same("binary payloads", (world) => {
  world.listen();
  open(world);
  const channel = joined(world, "room:1");
  const bytes = (text) => new TextEncoder().encode(text).buffer;
  world.step("push", () => world.follow("push", channel.push("bin", bytes("\x01\x02é"))));
  world.step("reply", () => world.transport.receive(bytes("\x01\x01\x01\x06\x0234room:1okabc")));
  world.step("push", () => world.transport.receive(bytes("\x00\x01\x06\x053room:1shoutabc")));
  world.step("broadcast", () => world.transport.receive(bytes("\x02\x06\x05room:1shout\x00")));
  world.step("nothing in it", () => world.transport.receive(bytes("\x02\x06\x05room:1shout")));
  world.step("stale", () => world.transport.receive(bytes("\x00\x01\x06\x059room:1shoutabc")));
  world.step("late reply", () =>
    world.transport.receive(bytes("\x01\x01\x01\x06\x0534room:1otherabc")),
  );
});

same("callbacks that come and go", (world) => {
  open(world);
  const channel = joined(world, "room:1");
  const shout = () => world.transport.receive([null, null, "room:1", "shout", { n: 1 }]);
  const refs = ["a", "b", "c"].map((name) =>
    channel.on("shout", () => {
      world.told(name);
      channel.off("shout", refs[1]);
      if (name === "a") channel.on("shout", () => world.told("late"));
    }),
  );
  world.step("refs", () =>
    world.told(
      "refs",
      refs.map((ref) => ref - refs[0]),
    ),
  );
  world.step("shout", shout);
  world.step("shout", shout);
  channel.off("shout");
  world.step("shout", shout);

  const [opened, closed] = [
    world.socket.onOpen(() => world.told("opened")),
    world.socket.onClose(() => world.told("closed")),
  ];
  world.socket.off([closed]);
  world.step("lost", () => world.transport.closed());
  world.wait(100);
  world.step("opened", () => world.transport.opened());
  world.step("refs", () => world.told("refs", opened, closed, world.socket.makeRef()));
});

same("callbacks that act", (world) => {
  open(world);
  const first = join(world, "first");
  const second = world.channel("second");
  first.joinPush.receive("ok", () => {
    world.follow("in ok", first.push("x"));
    world.follow("join in ok", second.join());
  });
  world.step("joined", () => answer(world));
  world.step("pushed", () => answer(world, "ok", {}, 2));
  world.step("joined", () => answer(world));
  first.on("shout", () => world.follow("leave in shout", first.leave()));
  first.on("shout", () => world.told("after leave", first.state));
  first.onClose(() => world.follow("in close", second.push("x")));
  world.step("shout", () => world.transport.receive([null, null, "first", "shout", {}]));
  second.onError(() => world.told("disconnect in error", world.socket.disconnect()));
  world.step("crash", () => world.transport.receive([null, null, "second", "phx_error", {}]));
  world.wait(1_000);
});

same("onMessage sees and changes every payload", (world) => {
  open(world);
  const channel = joined(world, "room:1");
  channel.onMessage = (event, payload, ref, joinRef) => {
    world.told("hook", event, payload, ref, joinRef);
    return event === "shout" ? { changed: payload } : payload;
  };
  world.step("shout", () => world.transport.receive(["3", null, "room:1", "shout", { n: 1 }]));
  world.step("push", () => world.follow("push", channel.push("x", {}, 1_000)));
  world.step("reply", () => answer(world));
  world.step("push", () => world.follow("push", channel.push("x", {}, 1_000)));
  world.wait(2_000);
  channel.onMessage = () => undefined;
  world.step("forgotten", () => world.transport.receive([null, null, "room:1", "shout", {}]));
  world.step("nothing to forget", () =>
    world.transport.receive([null, null, "room:1", "shout", null]),
  );
});

same("triggered events", (world) => {
  open(world);
  const channel = joined(world, "room:1");
  world.step("trigger", () => channel.trigger("shout", { a: 1 }, "7", "8"));
  world.step("trigger", () => channel.trigger("shout"));
});
