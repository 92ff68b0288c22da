// A relay of TCP connections in front of a server, which can cut them all.

import net from "node:net";

// Starts one. What it returns can take the place of a server for browsers.
export async function relayTo(server) {
  const pairs = new Set();
  const relay = net.createServer((near) => {
    const far = net.connect(server.port, "127.0.0.1");
    const pair = { near, far };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on("error", end).on("close", end);
      from.pipe(to);
    }
  });
  await new Promise((resolve) => relay.listen(0, "127.0.0.1", resolve));
  // Without a word, as when a router forgets them.
  const cut = () => {
    for (const { near, far } of pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  };
  return {
    http: `http://127.0.0.1:${relay.address().port}`,
    cut,
    close() {
      cut();
      return new Promise((resolve) => relay.close(resolve));
    },
  };
}
