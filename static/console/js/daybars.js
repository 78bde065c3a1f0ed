// A bar for each day: what every slot has, and where the panes are. Pulled along, it turns the picture.

import { h } from "./dom.js";

const DAY_SECONDS = 86_400;
const WEEKDAYS = "日一二三四五六";

// Events: "turn" (the slot under the pointer), "point" (the same while only hovered, or null).
export class DayBars extends EventTarget {
  constructor(element) {
    super();
    this.element = element;
    this.slots = null;
    element.addEventListener("pointerdown", (event) => this.#grab(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerleave", () => this.#tell("point", null));
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  #grab(event) {
    const bar = event.target.closest(".day-bar");
    if (!bar || event.button) return;
    bar.setPointerCapture(event.pointerId);
    this.#tell("turn", this.#slotAt(bar, event.clientX));
  }

  #move(event) {
    const bar = event.target.closest(".day-bar");
    const slot = bar && this.#slotAt(bar, event.clientX);
    this.#tell("point", slot);
    if (bar?.hasPointerCapture(event.pointerId)) this.#tell("turn", slot);
  }

  #slotAt(bar, x) {
    const { left, width } = bar.getBoundingClientRect();
    const share = Math.min(Math.max((x - left) / width, 0), 1 - 1e-6);
    const { period } = this.slots;
    return Number(bar.dataset.first) + Math.floor((share * DAY_SECONDS) / period) * period;
  }

  show(slots) {
    this.slots = slots;
    this.element.replaceChildren(...slots.days.toReversed().map((day) => this.#row(day)));
  }

  #row(day) {
    const { slots } = this;
    const name = `${day.day.slice(5)} 周${WEEKDAYS[new Date(`${day.day}T00:00:00Z`).getUTCDay()]}`;
    const kept = [...day.slots].filter((letter) => "pb".includes(letter)).length;
    const words = day.counted ? `${percent(day.pictured / day.counted)} ${day.pictured}/${day.counted}` : "";
    const title = `真实在线率只计已结束的时段。应计 ${day.counted} 个时段：报告在线 ${day.claimed}，有画面 ${day.pictured}，画面良好 ${day.good}；未计 ${day.missed}`;
    return h(
      "div",
      { class: "day-row", "data-day": day.day, "data-testid": "day-row" },
      h("span", { class: "mono day-name" }, name),
      h("div", { class: "day-bar", "data-first": day.first, role: "img", "aria-label": `${day.day}：${title}` }, ...runs(day.slots, slots.missed).map((run) => this.#run(run)), h("b", { class: "mark mark-b" }), h("b", { class: "mark mark-a" })),
      h("span", { class: "mono day-count", title }, `${kept} 张 ${words}`.trim()),
    );
  }

  #run({ kind, begin, length }) {
    const all = DAY_SECONDS / this.slots.period;
    const run = h("i", { class: `run ${kind}` });
    run.style.left = `${(100 * begin) / all}%`;
    run.style.width = `${(100 * length) / all}%`;
    return run;
  }

  // Where the panes are; null where there is none.
  mark(a, b) {
    for (const bar of this.element.querySelectorAll(".day-bar")) {
      const first = Number(bar.dataset.first);
      for (const [name, slot] of [["a", a], ["b", b]]) {
        const mark = bar.querySelector(`.mark-${name}`);
        mark.hidden = slot === null || slot < first || slot >= first + DAY_SECONDS;
        if (mark.hidden) continue;
        mark.style.left = `${(100 * (slot - first)) / DAY_SECONDS}%`;
        mark.style.width = `${(100 * this.slots.period) / DAY_SECONDS}%`;
      }
    }
  }
}

// Rounded down, so that only what is whole is 100%.
export const percent = (share) => `${(Math.floor(share * 10_000 + 1e-6) / 100).toFixed(2)}%`;

const KINDS = { p: "is-picture", b: "is-bad", "-": "" };

// Neighbours of the same kind as one stretch; nothing is drawn where the camera was not there.
export function runs(letters, missed) {
  const found = [];
  [...letters].forEach((letter, at) => {
    const kind = KINDS[letter] ?? (missed.includes(letter) ? "is-missed" : "is-gap");
    const last = found.at(-1);
    if (last?.kind === kind) last.length += 1;
    else found.push({ kind, begin: at, length: 1 });
  });
  return found.filter(({ kind }) => kind);
}
