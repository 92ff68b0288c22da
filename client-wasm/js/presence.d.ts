/** What every meta has that a server has tracked. */
export interface MetaRefs {
  /** Names this meta; a new one with every update. Opaque: only good to compare. */
  phx_ref: string;
  /** After an update, the `phx_ref` that the meta had before. */
  phx_ref_prev?: string;
}

/**
 * What is present under one key: a meta for each connection, and the fields that the server may have put
 * beside them (what its `fetch` added). `any` if nothing is said of the metas.
 *
 * @typeParam Meta what the server tracks for each connection
 * @typeParam Fields what stands beside the metas, if anything
 */
export type PresenceEntry<Meta = any, Fields = unknown> = 0 extends 1 & Meta
  ? any
  : { metas: (Meta & MetaRefs)[] } & Fields;

/** Presences by key. It has no prototype, so that every key is an ordinary one. */
export type PresenceState<Meta = any, Fields = unknown> = Record<
  string,
  PresenceEntry<Meta, Fields>
>;

/** The payload of a `presence_diff`. */
export interface PresenceDiff<Meta = any, Fields = unknown> {
  /** What came. It goes into the state first. */
  joins: PresenceState<Meta, Fields>;
  /** What went. */
  leaves: PresenceState<Meta, Fields>;
}

/**
 * Called for every key under which metas came.
 *
 * @param key the key
 * @param current the presence as it was before, `undefined` if the key is new
 * @param joined what came, without the metas that were there before
 */
export type JoinCallback<Meta = any, Fields = unknown> = (
  key: string,
  current: PresenceEntry<Meta, Fields> | undefined,
  joined: PresenceEntry<Meta, Fields>,
) => void;

/**
 * Called for every key under which metas went.
 *
 * @param key the key
 * @param current the presence as it is now; without metas if nobody is left under the key
 * @param left what went
 */
export type LeaveCallback<Meta = any, Fields = unknown> = (
  key: string,
  current: PresenceEntry<Meta, Fields>,
  left: PresenceEntry<Meta, Fields>,
) => void;

/**
 * Called for every meta that was replaced by another one of the same connection.
 *
 * @param key the key
 * @param before the meta as it was
 * @param after the meta as it is now
 */
export type UpdateCallback<Meta = any> = (
  key: string,
  before: Meta & MetaRefs,
  after: Meta & MetaRefs,
) => void;

/** The keys that a state or diff has changed, each in one of the lists. */
export interface PresenceChanges {
  /** Keys that were not present before. */
  joined: string[];
  /** Keys that are not present any more. */
  left: string[];
  /** Keys under which metas came, went or were replaced. */
  updated: string[];
}

/** What a `Presence` needs of a channel: herenow's has it, and so has that of phoenix.js. */
export interface PresenceChannel {
  /** Calls back for each such event. Returns what `off` takes. */
  on(event: string, callback: (payload?: any) => void): unknown;
  /** The ref of the join in force. A state that comes with another one than the last is a new beginning. */
  joinRef(): string | null | undefined;
  /** Stops a callback. Without it a `Presence` that was destroyed stays bound, and hears nothing. */
  off?(event: string, ref: any): unknown;
}

export interface PresenceOptions {
  /** Other event names than `presence_state` and `presence_diff`, of the server's choosing. */
  events?: { state: string; diff: string };
  /**
   * How many diffs may wait for the state of a join; 10,000 if not given. More come only if there is none, as for a
   * `Presence` that is made after its channel has joined. Then the older half goes, and an error is thrown that says so.
   */
  maxPendingDiffs?: number;
}

/**
 * Who is here now, in a channel: follows what the server says of it, and reports every join and leave.
 *
 * ```js
 * const channel = socket.channel("room:lobby");
 * const presence = new Presence(channel);
 * presence.onSync(() => render(presence.list((id, { metas: [first] }) => `${id}: ${first.status}`)));
 * channel.join();
 * ```
 *
 * Works like the `Presence` of phoenix.js and may take its place. What is different:
 *
 * * In every callback the members are already what they are after the whole event; phoenix.js shows them
 *   in the middle of the change, or before it.
 * * If a callback throws, the others still run. The first exception is thrown again in the end.
 * * An event that a callback causes is reported when the callbacks before it are through.
 * * The objects that callbacks, `list` and `state` give out are the same ones again until their presence
 *   changes. Treat them as read-only.
 * * A payload that is none is refused with a `TypeError` and changes nothing.
 *
 * @typeParam Meta what the server tracks for each connection
 * @typeParam Fields what the server puts beside the metas, if anything
 */
export class Presence<Meta = any, Fields = unknown> {
  constructor(channel: PresenceChannel, options?: PresenceOptions);

  /** The channel that it listens to. */
  readonly channel: PresenceChannel;

  /** The join that the last state came with; `null` before the first. */
  joinRef: string | null;

  /** Diffs that came before the state of the current join. They are applied after it. */
  pendingDiffs: PresenceDiff<Meta, Fields>[];

  /**
   * All presences by key, in one live object: every event changes it in place. The presences in it are replaced
   * when they change, and never changed themselves; for an array that stays as it is see `getSnapshot`. Assigning
   * replaces everything and the object, without a callback.
   */
  get state(): PresenceState<Meta, Fields>;
  set state(presences: PresenceState<Meta, Fields>);

  /** Sets the one callback for joins. */
  onJoin(callback: JoinCallback<Meta, Fields> | null | undefined): void;

  /** Sets the one callback for leaves. */
  onLeave(callback: LeaveCallback<Meta, Fields> | null | undefined): void;

  /** Sets the one callback that is called at the end of every event, when all joins and leaves are told. */
  onSync(callback: (() => void) | null | undefined): void;

  /**
   * Sets the one callback for updates. It is called after those for joins and leaves, which an update is
   * as well: a meta that joined, and one that left.
   */
  onUpdate(callback: UpdateCallback<Meta> | null | undefined): void;

  /** Sets the one callback that is told, once for every state or diff, which keys changed; not if none did. */
  onChange(callback: ((changes: PresenceChanges) => void) | null | undefined): void;

  /** How many keys are present. */
  get size(): number;

  /** How many metas there are under all keys: one for each connection. */
  get connections(): number;

  /** Whether somebody is present under the key. */
  has(key: string): boolean;

  /** The presence under the key, if there is one. */
  get(key: string): PresenceEntry<Meta, Fields> | undefined;

  /** The keys, in the order of `list`. */
  keys(): IterableIterator<string>;

  /** The presences, in the order of `list`. */
  values(): IterableIterator<PresenceEntry<Meta, Fields>>;

  /** The keys with their presences, in the order of `list`. */
  entries(): IterableIterator<[string, PresenceEntry<Meta, Fields>]>;

  /** The same as `entries`, for `for (const [key, presence] of ...)`. */
  [Symbol.iterator](): IterableIterator<[string, PresenceEntry<Meta, Fields>]>;

  /**
   * Calls back after every state and diff, when all other callbacks have been called. Returns a function
   * that ends that. With `getSnapshot` it is what UI frameworks ask of a store.
   */
  readonly subscribe: (callback: () => void) => () => void;

  /** The keys with their presences. It is the same array again until something changed. */
  readonly getSnapshot: () => readonly (readonly [string, PresenceEntry<Meta, Fields>])[];

  /** Stops listening, forgets everybody and all callbacks, and gives the memory back. */
  destroy(): void;

  /** All presences, in order: keys that are whole numbers first and ascending, the others as they came. */
  list(): PresenceEntry<Meta, Fields>[];
  /** What a function makes of each key and its presence, in order. */
  list<T>(by: (key: string, presence: PresenceEntry<Meta, Fields>) => T): T[];

  /** Whether the state of the current join has yet to come. Until then the last one still shows. */
  inPendingSyncState(): boolean;

  /**
   * Compares a state of plain objects with a newer one and returns the result: metas that both have are
   * those of the old one. `current` stays as it is; `state` may be changed.
   */
  static syncState<Meta = any, Fields = unknown>(
    current: PresenceState<Meta, Fields>,
    state: PresenceState<Meta, Fields>,
    onJoin?: JoinCallback<Meta, Fields>,
    onLeave?: LeaveCallback<Meta, Fields>,
  ): PresenceState<Meta, Fields>;

  /**
   * Applies a diff to a state of plain objects and returns the result. A state without prototype, such as
   * these functions return, is changed in place; any other is copied first, except for its presences.
   */
  static syncDiff<Meta = any, Fields = unknown>(
    state: PresenceState<Meta, Fields>,
    diff: PresenceDiff<Meta, Fields>,
    onJoin?: JoinCallback<Meta, Fields>,
    onLeave?: LeaveCallback<Meta, Fields>,
  ): PresenceState<Meta, Fields>;

  /** The presences of a state. */
  static list<Meta = any, Fields = unknown>(
    presences: PresenceState<Meta, Fields>,
  ): PresenceEntry<Meta, Fields>[];
  /** What a function makes of each key and its presence. */
  static list<T, Meta = any, Fields = unknown>(
    presences: PresenceState<Meta, Fields>,
    chooser: (key: string, presence: PresenceEntry<Meta, Fields>) => T,
  ): T[];
}

// The names that @types/phoenix has for these.
export type PresenceOnJoinCallback = JoinCallback;
export type PresenceOnLeaveCallback = LeaveCallback;
export type PresenceOpts = PresenceOptions;
