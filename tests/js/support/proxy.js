// An HTTP proxy in front of a server, that passes requests on and knows nothing of WebSockets.

import http from "node:http";

// Starts one. What it returns can take the place of a server for clients.
export async function proxyWithoutWebSockets(server) {
  const proxy = http.createServer((request, response) => {
    // Both are for the next hop only, says HTTP, and that is how an upgrade gets lost.
    const { connection, upgrade, ...headers } = request.headers;
    const { method, url } = request;
    const onward = http.request(server.http + url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    socket: `ws://127.0.0.1:${proxy.address().port}/socket`,
    close() {
      proxy.closeAllConnections();
      return new Promise((resolve) => proxy.close(resolve));
    },
  };
}
