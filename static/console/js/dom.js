// Elements are built, never parsed from markup: text stays text, whatever a camera is called.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "dataset") Object.assign(element.dataset, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
export const s = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
export const byId = (id) => document.getElementById(id);

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function shield(element, road) {
  setText(element, road);
  element.dataset.class = road.slice(0, 1);
  element.hidden = !road;
  return element;
}

const TOAST_MS = 5000;
const UNDO_MS = 10_000;
let toastTimer = 0;

// With `undo` it can be taken back by a click for as long as it stands.
export function toast(words, undo = null) {
  const place = byId("toasts");
  const button = undo && h("button", { class: "way", type: "button", title: "Ctrl+Z", "data-testid": "undo" }, "撤销");
  button?.addEventListener("click", () => {
    place.replaceChildren();
    undo();
  });
  place.replaceChildren(h("p", { class: "toast" }, words, ...(button ? [button] : [])));
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => place.replaceChildren(), undo ? UNDO_MS : TOAST_MS);
}
