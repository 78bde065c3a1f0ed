// 告警: arrows move through the list, the selected alarm is shown beside it with what can be done.

import { byId } from "./dom.js";

const list = byId("list");
const STEPS = { ArrowUp: -1, ArrowDown: 1 };

let selected = null;

const rows = () => [...list.querySelectorAll(".alarm")];
const handle = () => byId("look-detail").querySelector(".handle");

function mark(row) {
  for (const old of list.querySelectorAll(".is-selected")) {
    old.classList.remove("is-selected");
    old.removeAttribute("aria-current");
    old.tabIndex = -1;
  }
  row?.classList.add("is-selected");
  row?.setAttribute("aria-current", "true");
  if (row) row.tabIndex = 0;
}

function select(row) {
  if (!row) return;
  mark(row);
  row.focus();
  row.scrollIntoView({ block: "nearest" });
  if (selected === row.dataset.alarm) return;
  selected = row.dataset.alarm;
  byId("look-none").hidden = true;
  byId("look").querySelector(".said").replaceChildren();
  history.replaceState(null, "", address(selected));
  ask("GET", row.dataset.look);
}

const ask = (verb, url, values = {}) => window.htmx.ajax(verb, url, { target: "#look-detail", source: "#look-detail", values });

// The address names what is shown, so that it can be handed on.
function address(alarm) {
  const asked = new URLSearchParams(location.search);
  asked.set("alarm", alarm);
  return `?${asked}`;
}

function beside(step) {
  const all = rows();
  const at = all.findIndex((row) => row.dataset.alarm === selected);
  return at < 0 ? all[0] : all[Math.min(all.length - 1, Math.max(0, at + step))];
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const key = event.key.toLowerCase();
  if (event.key in STEPS) select(beside(STEPS[event.key]));
  else if (key === "y") handle()?.querySelector(".primary")?.click();
  else if (key === "n") handle()?.elements.note.focus();
  else if (event.key === "Enter" && event.target.closest?.(".alarm")) byId("look-detail").querySelector("[data-role=go]")?.click();
  else return;
  event.preventDefault();
});

// Not left to htmx, which takes a moment to see a form that has just come; a key may be faster.
byId("look-detail").addEventListener("submit", (event) => {
  event.preventDefault();
  ask("POST", event.target.action, { note: event.target.elements.note.value });
});

list.addEventListener("click", ({ target }) => {
  if (!getSelection().toString()) select(target.closest(".alarm"));
});

// A row is found again by its name; one that is gone is still shown beside.
document.body.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.target === list) mark(rows().find((row) => row.dataset.alarm === selected));
});

const asked = new URLSearchParams(location.search).get("alarm");
if (asked) {
  selected = asked;
  mark(rows().find((row) => row.dataset.alarm === asked));
}
