// The room as a page. Its methods are what connection.js tells: who is here, what happened, how the
// connection fares.

import { byId, setText } from "./dom.js";
import { avatar, clean } from "./identity.js";
import { Log } from "./log.js";
import { People } from "./people.js";

const LINK = { connecting: "Connecting", open: "Connected", lost: "Offline", refused: "Refused" };

const AGES_EVERY_MS = 10_000;
const COUNTDOWN_EVERY_MS = 250;

export class Page {
  #self;
  #room;
  #people;
  #log = new Log(byId("log"));
  #present = [];
  #retryAt = 0;
  #countdown;

  // `self`: { name, tab, status, device, since }; the page keeps its `status` and `since`.
  constructor(self, room) {
    this.#self = self;
    this.#room = room;
    this.#people = new People(byId("people"), self);
    setInterval(() => this.#people.tick(), AGES_EVERY_MS);

    byId("inside").hidden = byId("link").hidden = false;
    byId("you-avatar").append(avatar(clean(self.name)));
    byId("you-avatar").dataset.status = self.status;
    setText(byId("topic"), clean(room));
    setText(byId("you-name"), clean(self.name));
    setText(byId("you-device"), self.device);
    byId("another").href = location.href;
    byId("copy").addEventListener("click", ({ target }) => copyInvite(target, room));
  }

  people(list) {
    this.#present = list;
    this.#self.since ??= sinceOf(this.#self, list);
    const hidden = this.#people.render(list);
    const alone = list.length === 1 && list[0].key === this.#self.name;
    setText(byId("headline"), alone ? "You are the first one here" : `${counted(list)} here now`);
    document.title = `(${list.length}) ${this.#room} · herenow`;
    byId("more").hidden = hidden === 0;
    setText(byId("more"), `and ${hidden.toLocaleString()} more`);
  }

  happened(event) {
    this.#log.add(event);
  }

  latency(ms) {
    setText(byId("latency"), `${ms < 1 ? "< 1" : Math.round(ms)} ms`);
  }

  // `detail` is the time of the next try when the connection is lost, the reason when it is refused.
  link(state, detail) {
    document.body.dataset.link = byId("link").dataset.state = state;
    setText(byId("link-text"), LINK[state]);
    if (state !== "open") setText(byId("latency"), "");

    byId("notice").hidden = state === "open" || (state === "connecting" && byId("notice").hidden);
    byId("retry").hidden = state === "refused";
    clearInterval(this.#countdown);
    if (state === "connecting") setText(byId("countdown"), "Trying again now.");
    if (state === "lost") this.#lost(detail);
    if (state === "refused") this.#refused(detail);
  }

  onRetry(callback) {
    byId("retry").addEventListener("click", callback);
  }

  onStatus(callback) {
    byId("status").addEventListener("change", ({ target }) => {
      this.#self.status = byId("you-avatar").dataset.status = target.value;
      callback();
    });
  }

  #lost(retryAt) {
    this.#retryAt = retryAt;
    const present = this.#present;
    if (present.length) setText(byId("headline"), `${counted(present)} ${present.length === 1 ? "was" : "were"} here`);
    setText(byId("notice-text"), "The connection is gone.");
    this.#countDown();
    this.#countdown = setInterval(() => this.#countDown(), COUNTDOWN_EVERY_MS);
  }

  #countDown() {
    const seconds = Math.ceil((this.#retryAt - Date.now()) / 1000);
    setText(byId("countdown"), seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again now.");
  }

  #refused(reason) {
    setText(byId("notice-text"), `You can’t come in: ${reason ?? "no reason was given"}.`);
    setText(byId("countdown"), "");
  }
}

function counted({ length }) {
  return length === 1 ? "1 person" : `${length.toLocaleString()} people`;
}

// The `online_at` of this tab's own meta in the list; undefined as long as it is not there.
function sinceOf({ name, tab }, list) {
  const own = list.find(({ key }) => key === name);
  return own?.metas.find((meta) => meta.tab === tab)?.online_at;
}

async function copyInvite(button, room) {
  const invite = new URL("/", location.href);
  invite.searchParams.set("room", room);
  // Pages on plain http have no clipboard; then the link itself can be copied by hand.
  const copied = await navigator.clipboard?.writeText(invite.href).then(() => true, () => false);
  setText(button, copied ? "Copied" : invite.href);
  setTimeout(() => setText(button, "Copy invite link"), 2000);
}
