// Building elements. Text only ever goes in as text nodes: names, rooms and metas are other people's
// words, so nothing here (or elsewhere on this page) parses HTML.

export const byId = (id) => document.getElementById(id);

// element("p", { class: "hint", hidden: true }, "text", child): attributes by name, true being an empty
// one; an attribute or child that is false or null is left out.
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== false && child != null));
  return node;
}

// Sets the text where it differs, so that a screen reader is not told the same thing again.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
