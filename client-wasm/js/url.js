// The address of a socket.

// `https:` pages have `wss:` sockets.
export const protocol = () => (/^https/.test(location.protocol) ? "wss" : "ws");

// `endPoint` with parameters, and made absolute if it is only a path or has no scheme.
export function socketUrl(endPoint, params, vsn) {
  const uri = withParams(withParams(endPoint, params), { vsn });
  if (uri[0] !== "/") return uri;
  if (uri[1] === "/") return `${protocol()}:${uri}`;
  return `${protocol()}://${location.host}${uri}`;
}

function withParams(url, params) {
  const query = serialize(params);
  if (!query) return url;
  return `${url}${url.includes("?") ? "&" : "?"}${query}`;
}

// `{a: {b: 1}}` becomes `a[b]=1`, as servers of this protocol read it. What is null is left out.
function serialize(params, parent) {
  const pairs = [];
  for (const key of Object.keys(params)) {
    const name = parent ? `${parent}[${key}]` : key;
    const value = params[key];
    if (value === null) continue;
    const pair =
      typeof value === "object"
        ? serialize(value, name)
        : `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
    if (pair) pairs.push(pair);
  }
  return pairs.join("&");
}
