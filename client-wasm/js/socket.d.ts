/** What a socket can be told when it is made. Everything is optional. */
export interface SocketOptions {
  /**
   * Query parameters of the connection, or a function that returns them and is asked before each connection.
   * Nested objects become `a[b]=c`; what is null is left out.
   */
  params?: object | (() => object);
  /**
   * A token for the server's `auth_token`, or a function that is asked for it before each connection. It
   * travels as a WebSocket subprotocol, not in the address.
   */
  authToken?: string | (() => string);
  /**
   * The class to connect with: `LongPoll`, or that of npm `ws`, say. The global `WebSocket` if not given,
   * and `LongPoll` where there is none.
   */
  transport?: TransportClass;
  /** How long joins and pushes wait for an answer, in ms. 10000 if not given. */
  timeout?: number;
  /** How long after the last answer a heartbeat is sent, and how long it may stay unanswered, in ms. 30000. */
  heartbeatIntervalMs?: number;
  /**
   * How long to wait before the try with this number (the first is 1) to connect again, in ms. What is no such
   * number is an error, and 5000.
   */
  reconnectAfterMs?: (tries: number) => number;
  /** How long to wait before the try with this number to join a channel again, in the same way. */
  rejoinAfterMs?: (tries: number) => number;
  /** Hears of everything that is sent, received, opened, closed and in error. */
  logger?: (kind: string, message: string, data?: any) => void;
  /** Logs to the console, if there is no `logger`. */
  debug?: boolean;
  /** The protocol version to ask the server for. "2.0.0", the only one whose frames are understood. */
  vsn?: string;
  /** The `binaryType` of the transport. "arraybuffer". */
  binaryType?: BinaryType;
  /** How long a request of `LongPoll` may take, in ms. 20000: the server holds one for 10 seconds. */
  longpollerTimeout?: number;
  /**
   * How long a connection may take to open, and then again to answer a ping, in ms. If it takes longer, or
   * fails before it has opened, the socket goes on with `LongPoll`. There is no such change if not given.
   */
  longPollFallbackMs?: number;
  /**
   * Where it is remembered, for the next page, that only long polling works. The tab's `sessionStorage` if
   * not given.
   */
  sessionStorage?: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  /**
   * Writes messages in place of `Serializer.encode`: hands what is to be sent to the callback, now or later.
   * Not used if the transport is `LongPoll` from the start; kept if the socket changes to that because of
   * `longPollFallbackMs`, as phoenix.js does, so the server has to read such frames from a long poll, too.
   */
  encode?: (message: Message, callback: (frame: any) => void) => void;
  /**
   * Reads messages in place of `Serializer.decode`: hands the message to the callback, now or later. Then
   * every payload is made into an object, so a `Presence` of many members takes longer. Used where `encode` is.
   */
  decode?: (frame: any, callback: (message: Message) => void) => void;
}

/** How a transport hands over binary frames. Only "arraybuffer" is understood without a `decode` of your own. */
export type BinaryType = "arraybuffer" | "blob";

/** A class that is used like `WebSocket`. */
export type TransportClass = new (url: string, protocols?: any) => any;

/** The state of a socket's connection, as a WebSocket has it; "closed" as well before the first one. */
export type ConnectionState = "connecting" | "open" | "closing" | "closed";

/**
 * The state of a channel: "closed" before it is joined and when it has ended, "errored" until it joins again.
 * "leaving" never comes, for leaving is done at once; it is here for code that asks for it.
 */
export type ChannelState = "closed" | "errored" | "joined" | "joining" | "leaving";

/** A message with its parts, as a socket's `onMessage` gets it. */
export interface Message<Payload = any> {
  /** That of a channel, or one of your own. */
  topic: string;
  /** What has happened, or is asked for. */
  event: string;
  /** What JSON can hold, or an ArrayBuffer. */
  payload: Payload;
  /** The ref of the push that this is or answers, if it is one or does. */
  ref: string | null;
  /** The ref of the join that it belongs to, if it does. */
  join_ref: string | null;
}

/**
 * A connection to a server, shared by any number of channels. It is made again whenever it is lost, and the
 * channels join again by themselves.
 *
 * ```js
 * const socket = new Socket("/socket", { params: { user_id: "1" } });
 * socket.connect();
 * ```
 */
export class Socket {
  /**
   * @param endPoint Where the server has its socket: "wss://example.com/socket", or "/socket" for the host
   * of the page.
   */
  constructor(endPoint: string, options?: SocketOptions);

  /** Connects. Does nothing if that was done before. */
  connect(params?: object | (() => object)): void;

  /**
   * Closes the connection, and does not make it again before `connect`.
   *
   * @param callback Called when it is closed.
   */
  disconnect(callback?: () => void | Promise<void>, code?: number, reason?: string): void;

  /** Disconnects, and connects with another transport the next time. */
  replaceTransport(transport: TransportClass): void;

  /** `LongPoll`. */
  getLongPollTransport(): typeof LongPoll;

  /** Whether the connection is open: what is sent goes out at once. */
  isConnected(): boolean;

  /** The state of the connection. */
  connectionState(): ConnectionState;

  /** The full address, with all parameters. */
  endPointURL(): string;

  /** Writes messages: see the option of this name. */
  encode: NonNullable<SocketOptions["encode"]>;

  /** Reads messages: see the option of this name. */
  decode: NonNullable<SocketOptions["decode"]>;

  /** The protocol that fits the page: "wss" or "ws". */
  protocol(): string;

  /**
   * A channel for this topic, which is not joined yet.
   *
   * @param params Go out with each of its joins. A function is asked for them each time.
   * @typeParam Incoming The events that the server sends, with the payloads of each.
   */
  channel<Incoming extends object = Record<string, any>>(
    topic: string,
    params?: object | (() => object),
  ): Channel<Incoming>;

  /** The channels that have not ended. */
  readonly channels: Channel<any>[];

  /** Forgets a channel that was never joined. */
  remove(channel: Channel<any>): void;

  /**
   * Sends a message that belongs to no channel, as soon as there is a connection. Any number of them wait for it: who
   * sends many asks `isConnected()` first.
   */
  push(message: Partial<Message> & { topic: string; event: string }): void;

  /** Calls back when a connection is open. Returns a ref, which `off` takes to remove the callback again. */
  onOpen(callback: () => void): string;

  /** Calls back when a connection has closed, with the event of the transport. Returns a ref for `off`. */
  onClose(callback: (event: any) => void): string;

  /**
   * Calls back when a connection has failed, with the event of the transport, its class, and how many connections
   * have been open. Returns a ref for `off`.
   */
  onError(
    callback: (error: any, transport: TransportClass, establishedConnections: number) => void,
  ): string;

  /** Hears of every message, after the channels. Returns a ref for `off`. */
  onMessage(callback: (message: Message) => void): string;

  /** Removes the callbacks with these refs. */
  off(refs: string[]): void;

  /**
   * Measures the time to the server and back.
   *
   * @returns false if there is no connection to measure.
   */
  ping(callback: (milliseconds: number) => void): boolean;

  /** A ref that no other message has. */
  makeRef(): string;

  /** Gives a line to the logger, if there is one. */
  log(kind: string, message: string, data?: any): void;

  /** Whether there is a logger: the one of the options, or the console with `debug`. */
  hasLogger(): boolean;
}

/**
 * A topic that is joined, or will be. It joins again by itself after whatever happens, until it is left or
 * the server closes it.
 *
 * ```ts
 * const channel = socket.channel<{ shout: { body: string } }>("room:lobby");
 * channel.on("shout", ({ body }) => console.log(body));
 * channel.join().receive("ok", () => channel.push("shout", { body: "hello" }));
 * ```
 *
 * @typeParam Incoming The events that the server sends, with the payloads of each.
 */
export class Channel<Incoming extends object = Record<string, any>> {
  private constructor();

  /** What it was made for. */
  readonly topic: string;

  /** Where it is in its life. */
  readonly state: ChannelState;

  /** The socket that has made it. */
  readonly socket: Socket;

  /**
   * Joins. Can be called once. The answer's callbacks are called again after each time that the channel has
   * joined again.
   */
  join<Ok = any, Refused = any>(timeout?: number): Push<Ok, Refused>;

  /** Leaves at once. The server is told and not waited for, so the answer is always "ok". */
  leave(timeout?: number): Push<Record<string, never>, never>;

  /**
   * Sends an event, as soon as the channel is joined.
   *
   * @param payload Anything that JSON can hold, or an ArrayBuffer, which is sent as it is.
   */
  push<Ok = any, Refused = any>(event: string, payload?: any, timeout?: number): Push<Ok, Refused>;

  /** Calls back for each such event. Returns what `off` takes to stop that. */
  on<Event extends keyof Incoming & string>(
    event: Event,
    callback: (payload: Incoming[Event], ref: string | null, joinRef: string | null) => void,
  ): number;
  on<Event extends string>(
    event: Event extends keyof Incoming ? never : Event,
    callback: (payload: any, ref: string | null, joinRef: string | null) => void,
  ): number;

  /** Stops one callback, or all that there are for the event. */
  off(event: string, ref?: number): void;

  /** When the channel has ended: it was left, or the server closed it. */
  onClose(callback: (payload: any, ref: string | null, joinRef: string | null) => void): number;
  /** When the channel has crashed or lost its connection. It joins again by itself. */
  onError(callback: (reason?: any) => void): number;

  /** To be replaced, to see or change every payload before the callbacks get it. Must return a payload. */
  onMessage(event: string, payload: any, ref: string | null, joinRef: string | null): any;

  /** The ref of the join in force, which changes with each join. */
  joinRef(): string | null | undefined;

  /** Whether it is not joined yet, or has ended. */
  isClosed(): boolean;

  /** Whether its join failed or its connection was lost. It joins again by itself. */
  isErrored(): boolean;

  /** Whether the server has answered its join with "ok". */
  isJoined(): boolean;

  /** Whether its join is not answered yet. */
  isJoining(): boolean;

  /** Never: leaving is done at once. */
  isLeaving(): boolean;

  /** Whether a push would go out at once. */
  canPush(): boolean;
}

/**
 * A message on its way to the server.
 *
 * @typeParam Ok The response of an answer with the status "ok".
 * @typeParam Refused The response of an answer with the status "error".
 */
export class Push<Ok = any, Refused = any> {
  private constructor();

  /**
   * Calls back when the answer has this status, at once if it has come already. "timeout" says that there
   * was none in time. Can be chained.
   */
  receive(status: "ok", callback: (response: Ok) => void): this;
  receive(status: "error", callback: (response: Refused) => void): this;
  receive(status: "timeout", callback: () => void): this;
  receive(status: string, callback: (response: any) => void): this;
}

/**
 * A transport of plain HTTP requests, for where WebSockets do not get through. Give it to a socket as its
 * `transport`, or let the socket change to it by `longPollFallbackMs`.
 */
export class LongPoll {
  constructor(endPoint: string, protocols?: string[]);

  /** That of a WebSocket: 0 while it opens, 1 when it is open, 3 when it is closed. */
  readonly readyState: number;
  /** Tells the socket that its requests show that the session lives. */
  readonly skipHeartbeat: true;
  /** How long a request may take, in ms; for ever if 0. */
  timeout: number;
  /** Called when the server has made a session. */
  onopen: (event: any) => void;
  /** Called with a status, or "timeout", before `onclose`. */
  onerror: (error: any) => void;
  /** Called for each message, in the order in which they were sent. */
  onmessage: (event: { data: string }) => void;
  /** Called once, when it is closed, by whomever. */
  onclose: (event: { code: number; reason: string; wasClean: boolean }) => void;

  /** Sends a frame, together with what else is sent before the next request. */
  send(data: string | ArrayBuffer): void;
  /** Ends it at once. What is not sent is dropped. */
  close(code?: number, reason?: string): void;
}

/** Writes and reads the frames of the protocol version 2.0.0: text, and binary if the payload is. */
export const Serializer: {
  /** Hands the frame of a message to the callback, and returns what that does. */
  encode<T>(message: Message, callback: (frame: string | ArrayBuffer) => T): T;
  /** Hands the message of a frame to the callback, and returns what that does. Throws if it is none. */
  decode<T>(frame: string | ArrayBuffer, callback: (message: Message) => T): T;
};

// The names that @types/phoenix has for these.
/** The same as `SocketOptions`. */
export type SocketConnectOption = SocketOptions;
/** What `makeRef` and the callbacks of a socket return. */
export type MessageRef = string;
/** The statuses that `receive` is mostly called with. */
export type PushStatus = "ok" | "error" | "timeout";
