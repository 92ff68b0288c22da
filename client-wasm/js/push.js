import { callEach } from "./callbacks.js";

// A message on its way to the server, and what is to be done when it is answered. `Channel` makes these:
// `channel.join()`, `channel.push()` and `channel.leave()` return them.
export class Push {
  constructor(channel, event, payload, timeout) {
    this.channel = channel;
    this.event = event;
    this.payload = payload;
    this.timeout = timeout;
    this.ref = undefined;
    this.sent = false;
    this.receivedResp = null;
    this.recHooks = [];
  }

  // Calls back when the answer has this status, at once if it has come already.
  receive(status, callback) {
    if (this.hasReceived(status)) callback(this.receivedResp.response);
    this.recHooks = [...this.recHooks, { status, callback }];
    return this;
  }

  hasReceived(status) {
    return this.receivedResp !== null && this.receivedResp.status === status;
  }

  // It has been sent, or (a join) sent again: an earlier answer does not count any more.
  _sent(ref) {
    this.ref = ref;
    this.sent = true;
    this.receivedResp = null;
  }

  _settle(received) {
    received ??= {};
    this.receivedResp = received;
    callEach(this.recHooks, ({ status, callback }) => {
      if (status === received.status) callback(received.response);
    });
  }
}
