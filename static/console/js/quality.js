// 图像质量: arrows move between the abnormalities, one key says that one is real, another that it is none.

import { post } from "./api.js";
import { byId, h } from "./dom.js";

const list = byId("list");
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };
const WORDS = { y: true, n: false };

let selected = null;
let isAsking = false;

const marks = () => [...list.querySelectorAll(".mark")];
const inRow = (row) => [...row.querySelectorAll(".mark")];
const column = (mark) => mark.closest("td").cellIndex;

function select(mark, hasFocus = true) {
  selected?.classList.remove("is-selected");
  selected?.removeAttribute("aria-current");
  if (selected) selected.tabIndex = -1;
  selected = mark;
  byId("look-none").hidden = Boolean(mark);
  showDetail();
  if (!mark) return;
  mark.classList.add("is-selected");
  mark.setAttribute("aria-current", "true");
  mark.tabIndex = 0;
  if (hasFocus) mark.focus();
}

// Morphed, not replaced: pictures must not flicker with every poll.
function showDetail() {
  const detail = selected?.closest("td").querySelector(".detail").cloneNode(true);
  const fresh = h("div", { id: "look-detail", dataset: { testid: "look-detail" } }, ...(detail?.childNodes ?? []));
  window.Idiomorph.morph(byId("look-detail"), fresh);
}

function beside(step) {
  const all = marks();
  return all[Math.min(all.length - 1, Math.max(0, all.indexOf(selected) + step))];
}

// The nearest row that has any; in it the mark of the same column, else the first.
function below(step) {
  let row = selected.closest("tr");
  do {
    row = step > 0 ? row.nextElementSibling : row.previousElementSibling;
  } while (row && !inRow(row).length);
  if (!row) return selected;
  return inRow(row).find((mark) => column(mark) === column(selected)) ?? inRow(row)[0];
}

async function judge(isReal) {
  if (!selected || isAsking) return;
  if (!selected.dataset.may) {
    tell("这一项不需确认，或您没有“维护台账”权限", false);
    return;
  }
  const { camera, flag } = selected.dataset;
  const next = beside(1);
  isAsking = true;
  try {
    const { message } = await post(`/cameras/${camera}/quality/`, { flag: Number(flag), is_real: isReal });
    tell(message, true);
    if (next !== selected) select(next);
    window.htmx.trigger(list, "refresh");
  } catch (error) {
    tell(error.message, false);
  } finally {
    isAsking = false;
  }
}

function tell(words, isGood) {
  const place = byId("said");
  place.dataset.good = String(isGood);
  place.replaceChildren(h("i", { class: "state", dataset: { state: isGood ? "online" : "fault" } }), h("span", {}, words));
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, select, textarea")) return;
  const word = WORDS[event.key.toLowerCase()];
  if (word !== undefined) judge(word);
  else if (event.key in STEPS) select(selected ? beside(STEPS[event.key]) : (marks()[0] ?? null));
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") select(selected ? below(event.key === "ArrowDown" ? 1 : -1) : (marks()[0] ?? null));
  else if (event.key === "Enter" && selected && event.target === selected) byId("look-detail").querySelector("[data-role=wall]")?.click();
  else return;
  event.preventDefault();
});

list.addEventListener("click", ({ target }) => {
  const mark = target.closest(".mark");
  if (mark) select(mark);
});
byId("look-detail").addEventListener("click", ({ target }) => {
  const button = target.closest("[data-real]");
  if (button) judge(button.dataset.real === "true");
});

// What was selected is found again by its name. Where it is gone, nothing is: a key is a word on what was looked at.
document.body.addEventListener("htmx:afterSettle", () => {
  if (!selected) return;
  const found = byId(selected.id);
  if (found) select(found, document.activeElement === document.body || list.contains(document.activeElement));
  else select(null);
});

if (marks().length) select(marks()[0], false);
