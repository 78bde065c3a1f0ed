// Seven days in one bar, slot by slot: what the chosen camera has in them, and when the road is shown. Pulled along.

import { runs } from "./daybars.js";
import { h, s } from "./dom.js";
import { isoDay } from "./words.js";

const DAY_SECONDS = 86_400;
const DAYS = 7;
const WEEKDAYS = "日一二三四五六";
const TICKS = [6, 12, 18];

// Events: "turn" (slot), "point" (slot hovered, or null).
export class FilmTime extends EventTarget {
  constructor(element, period) {
    super();
    this.element = element;
    this.period = period;
    this.mark = h("b", { class: "film-mark" });
    this.days = h("div", { class: "film-days" });
    this.bar = h("div", { class: "film-runs" });
    element.append(this.days, this.bar, this.mark);
    element.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      element.setPointerCapture(event.pointerId);
      this.#tell("turn", this.#slotAt(event.clientX));
    });
    element.addEventListener("pointermove", (event) => {
      const slot = this.#slotAt(event.clientX);
      this.#tell("point", slot);
      if (element.hasPointerCapture(event.pointerId)) this.#tell("turn", slot);
    });
    element.addEventListener("pointerleave", () => this.#tell("point", null));
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  #slotAt(x) {
    const { left, width } = this.element.getBoundingClientRect();
    const share = Math.min(Math.max((x - left) / width, 0), 1 - 1e-9);
    return Math.min(this.present, this.first + Math.floor((share * DAYS * DAY_SECONDS) / this.period) * this.period);
  }

  // Up to now; true when another day has begun.
  setNow(now) {
    const today = Date.parse(`${isoDay(now)}T00:00:00+08:00`) / 1000;
    const first = today - (DAYS - 1) * DAY_SECONDS;
    const isNew = first !== this.first;
    this.first = first;
    this.present = Math.floor(now / this.period) * this.period;
    this.element.setAttribute("aria-valuemin", first);
    this.element.setAttribute("aria-valuemax", this.present);
    if (isNew) this.#drawDays();
    return isNew;
  }

  #drawDays() {
    const days = [];
    for (let number = 0; number < DAYS; number += 1) {
      const at = this.first + number * DAY_SECONDS;
      const name = `${isoDay(at).slice(5)} 周${WEEKDAYS[new Date((at + 8 * 3600) * 1000).getUTCDay()]}`;
      days.push(h("div", { class: "film-day" }, h("span", { class: "mono" }, name), ...TICKS.map((hour) => h("i", { class: "film-hour mono", "data-hour": hour }, String(hour)))));
    }
    this.days.replaceChildren(...days);
  }

  clamp(slot) {
    return Math.min(Math.max(slot, this.first), this.present);
  }

  // `slots`: those of the chosen camera, null while they are not known.
  showRuns(slots) {
    this.bar.replaceChildren();
    if (!slots) return;
    const all = (DAYS * DAY_SECONDS) / this.period;
    const canvas = s("svg", { viewBox: `0 0 ${all} 1`, preserveAspectRatio: "none", "aria-hidden": "true" });
    for (const day of slots.days) {
      const begin = (day.first - this.first) / this.period;
      for (const run of runs(day.slots, slots.missed)) canvas.append(s("rect", { class: `film-run ${run.kind}`, x: begin + run.begin, y: 0, width: run.length, height: 1 }));
    }
    this.bar.append(canvas);
  }

  show(slot, words) {
    this.mark.style.left = `${(100 * (slot + this.period / 2 - this.first)) / (DAYS * DAY_SECONDS)}%`;
    this.element.setAttribute("aria-valuenow", slot);
    this.element.setAttribute("aria-valuetext", words);
  }
}
