// The page: asks for a name, or shows the room that the URL names (/?name=Alice&room=lobby).

import { byId, setText } from "./dom.js";
import { avatar, clean, thisDevice } from "./identity.js";
import { Log } from "./log.js";
import { People } from "./people.js";

const query = new URLSearchParams(location.search);
const name = (query.get("name") ?? "").trim();
const room = (query.get("room") ?? "").trim() || "lobby";

if (name) inside();
else door();

function door() {
  byId("door").hidden = false;
  byId("room").value = room;
  byId("name").focus();
}

async function inside() {
  const self = { name, tab: randomId(), status: "available" };
  const people = new People(byId("people"), self);
  const log = new Log(byId("log"));
  const show = page(self, people, log);
  introduce(self);

  try {
    // Imported late, so that a page whose client does not load can say so.
    const { enter } = await import("./connection.js");
    const meta = () => ({ ...self.since, status: self.status, device: thisDevice(), tab: self.tab });
    const connection = enter({ name, room, meta, tell: show });
    byId("retry").addEventListener("click", () => connection.retry());
    byId("status").addEventListener("change", ({ target }) => {
      self.status = target.value;
      byId("you-avatar").dataset.status = target.value;
      connection.update();
    });
  } catch (error) {
    show.link("refused", `The client could not be loaded: ${error.message}`);
    throw error;
  }
  setInterval(() => people.tick(), 10_000);
}

// The callbacks that put what the connection tells on the page.
function page(self, people, log) {
  let retryAt = 0;
  let present = [];
  const countdown = () => {
    const seconds = Math.ceil((retryAt - Date.now()) / 1000);
    setText(byId("countdown"), seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again now.");
  };
  let timer;

  return {
    people(list) {
      present = list;
      self.since ??= since(list, self);
      const hidden = people.render(list);
      setText(byId("headline"), headline(list));
      document.title = `(${list.length}) ${room} · herenow`;
      byId("more").hidden = hidden === 0;
      setText(byId("more"), `and ${hidden.toLocaleString()} more`);
    },
    happened: (event) => log.add(event),
    latency: (ms) => setText(byId("latency"), `${ms < 1 ? "< 1" : Math.round(ms)} ms`),
    link(state, detail) {
      byId("link").dataset.state = state;
      document.body.dataset.link = state;
      setText(byId("link-text"), LINK[state]);
      if (state !== "open") setText(byId("latency"), "");
      if (state === "open") byId("notice").hidden = true;
      clearInterval(timer);
      if (state === "lost") {
        if (present.length) setText(byId("headline"), was(present));
        retryAt = detail;
        setText(byId("notice-text"), "The connection is gone.");
        countdown();
        timer = setInterval(countdown, 250);
        byId("notice").hidden = byId("retry").hidden = false;
      } else if (state === "refused") {
        setText(byId("notice-text"), `You can’t come in: ${detail ?? "no reason given"}.`);
        setText(byId("countdown"), "");
        byId("notice").hidden = false;
        byId("retry").hidden = true;
      } else {
        countdown();
      }
    },
  };
}

// This tab's `online_at` as the server set it, to be kept through updates and rejoins; undefined as long
// as this tab is not in the list.
function since(list, { name, tab }) {
  const own = list.find(({ key }) => key === name)?.metas.find((meta) => meta.tab === tab);
  return own && { online_at: own.online_at };
}

const LINK = { connecting: "Connecting", open: "Connected", lost: "Offline", refused: "Refused" };

function headline(list) {
  const alone = list.length === 1 && list[0].key === name;
  return alone ? "You are the first one here" : `${counted(list)} here now`;
}

const was = (list) => `${counted(list)} ${list.length === 1 ? "was" : "were"} here`;

function counted({ length }) {
  return length === 1 ? "1 person" : `${length.toLocaleString()} people`;
}

function introduce(self) {
  byId("inside").hidden = byId("link").hidden = false;
  byId("you-avatar").append(avatar(clean(name)));
  byId("you-avatar").dataset.status = self.status;
  setText(byId("topic"), clean(room));
  setText(byId("you-name"), clean(name));
  setText(byId("you-device"), thisDevice());

  const invite = new URL("/", location.href);
  invite.searchParams.set("room", room);
  byId("another").href = location.href;
  byId("copy").addEventListener("click", async ({ target }) => {
    await navigator.clipboard.writeText(invite.href).then(
      () => setText(target, "Copied"),
      () => setText(target, invite.href));
    setTimeout(() => setText(target, "Copy invite link"), 2000);
  });
}

// Not crypto.randomUUID, which pages on plain http (a phone on the local network) do not have.
function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(36)).join("");
}
