// How a person and a device look and are called here. Pure functions of what a meta or a name says;
// the same name has the same initials and colour on every screen.

import { element } from "./dom.js";

export const STATUSES = { available: "Available", away: "Away", busy: "Busy" };

// Text of somebody else: one line, of a length that cannot push the page about.
export function clean(text, limit = 60) {
  const line = String(text ?? "").replace(/\s+/g, " ").trim();
  const letters = [...line];
  return letters.length > limit ? letters.slice(0, limit - 1).join("") + "…" : line;
}

export function initials(name) {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const picked = words.length > 1 ? [words[0], words.at(-1)] : words;
  return picked.map(firstLetter).join("").toUpperCase() || "?";
}

function firstLetter(word) {
  if (!Intl.Segmenter) return [...word][0];
  for (const { segment } of new Intl.Segmenter().segment(word)) return segment;
}

// The name's place on the circle of colours, in steps of 15 degrees: closer ones look the same anyway.
export function hue(name) {
  let hash = 257;
  for (const letter of name) hash = Math.imul(hash ^ letter.codePointAt(0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
  return (((hash ^ (hash >>> 13)) >>> 0) % 24) * 15;
}

export function avatar(name) {
  const node = element("span", { class: "avatar", "aria-hidden": "true" }, initials(name));
  node.style.setProperty("--hue", hue(name));
  return node;
}

export function statusOf(meta) {
  return Object.hasOwn(STATUSES, meta?.status) ? meta.status : "available";
}

// The status of a person on several devices: busy is a wish and wins; away means away from all.
export function statusOfAll(metas) {
  const all = metas.map(statusOf);
  return ["busy", "available", "away"].find((status) => all.includes(status)) ?? "available";
}

export function deviceOf(meta) {
  return clean(meta?.device) || "Unknown device";
}

// The node that the device is connected to; undefined if the server is not one of several.
export function nodeOf(meta) {
  return clean(meta?.node, 30) || undefined;
}

// "Chrome on Linux": enough to recognize one's own devices, and no more than that.
export function thisDevice({ userAgent } = navigator) {
  const find = (table) => table.find(([pattern]) => pattern.test(userAgent))?.[1];
  const browser = find([
    [/Edg/, "Edge"], [/OPR|Opera/, "Opera"], [/Firefox|FxiOS/, "Firefox"],
    [/Chrom|CriOS/, "Chrome"], [/Safari/, "Safari"],
  ]);
  const system = find([
    [/iPhone/, "iPhone"], [/iPad/, "iPad"], [/Android/, "Android"], [/CrOS/, "ChromeOS"],
    [/Mac/, "Mac"], [/Windows/, "Windows"], [/Linux|X11/, "Linux"],
  ]);
  return [browser ?? "A browser", system].filter(Boolean).join(" on ");
}
