// A WebSocket class whose other end is the test.

// Makes a class like WebSocket that remembers its instances and reports what is done with them. One that
// is told to close has done so after `closesAfter` ms, if that is given.
export function transports(report = () => {}, closesAfter) {
  return class FakeTransport {
    static made = [];

    // The one made last.
    static get last() {
      return this.made.at(-1);
    }

    constructor(url, protocols) {
      this.url = url;
      this.protocols = protocols;
      this.readyState = 0;
      this.sent = [];
      FakeTransport.made.push(this);
      report(`connect ${url}${protocols ? ` ${protocols}` : ""}`);
    }

    send(data) {
      this.sent.push(data);
      report(`send ${typeof data === "string" ? data : [...new Uint8Array(data)]}`);
    }

    // As a browser does it: it only begins to close.
    close(code, reason) {
      if (this.readyState > 1) return;
      this.readyState = 2;
      this.closedWith = code === undefined ? [] : [code, reason];
      report(`close ${this.closedWith}`);
      if (closesAfter !== undefined) setTimeout(() => this.closed(code), closesAfter);
    }

    opened() {
      this.readyState = 1;
      this.onopen({});
    }

    // Of a text, or of anything else as JSON.
    receive(message) {
      const data = typeof message === "string" || message instanceof ArrayBuffer;
      this.onmessage({ data: data ? message : JSON.stringify(message) });
    }

    // What a browser does when a connection breaks.
    failed(code = 1006) {
      this.readyState = 3;
      this.onerror({ type: "error" });
      this.closed(code);
    }

    closed(code = 1000) {
      this.readyState = 3;
      this.onclose({ code });
    }
  };
}
