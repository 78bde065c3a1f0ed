// One line for road and stake: `G25 K1120+300`, `长深`, or a stake of the road that is shown.

import { h } from "./dom.js";

const STAKE = /^K?(\d{1,4})(?:\+(\d{0,3}))?$/i;
const MOST_SHOWN = 40;

export const stakeMetres = (word) => {
  const match = STAKE.exec(word);
  return match ? Number(match[1]) * 1000 + Number((match[2] ?? "0").padEnd(3, "0")) : null;
};

// Events: "go" ({ road, metres }, either may be null).
export class FilmSearch extends EventTarget {
  constructor(form, input, list) {
    super();
    Object.assign(this, { form, input, list });
    this.roads = [];
    this.at = 0;
    form.addEventListener("submit", (event) => event.preventDefault());
    input.addEventListener("input", () => this.#offer());
    input.addEventListener("focus", () => this.#offer());
    input.addEventListener("blur", () => setTimeout(() => this.#close(), 120));
    input.addEventListener("keydown", (event) => this.#onKey(event));
    list.addEventListener("pointerdown", (event) => {
      const item = event.target.closest("li");
      event.preventDefault();
      if (item) this.#go(item.dataset.road);
    });
  }

  // What was typed: words of a road, and a stake.
  get #wanted() {
    const words = this.input.value.trim().toUpperCase().split(/\s+/).filter(Boolean);
    const stake = words.find((word) => stakeMetres(word) !== null && !this.roads.some(({ road }) => road === word));
    return { words: words.filter((word) => word !== stake), metres: stake ? stakeMetres(stake) : null };
  }

  #fitting(words) {
    const fits = this.roads.filter(({ road, name }) => words.every((word) => road.startsWith(word) || name.includes(word)));
    return fits.sort((a, b) => words.includes(b.road) - words.includes(a.road));
  }

  #offer() {
    const { words, metres } = this.#wanted;
    this.found = words.length || metres === null ? this.#fitting(words) : [];
    if (!words.length && metres !== null) this.found = [];
    this.at = 0;
    const rows = this.found.slice(0, MOST_SHOWN).map(({ road, name, cameras }, at) => h("li", { role: "option", id: `film-road-${at}`, "data-road": road, "aria-selected": String(at === 0) }, h("span", { class: "shield", "data-class": road.slice(0, 1) }, road), name, h("span", { class: "mono quiet" }, `${cameras} 路`)));
    const hint = words.length && !rows.length ? [h("li", { class: "quiet" }, "没有这条路线")] : [];
    this.list.replaceChildren(...rows, ...hint);
    this.list.hidden = !rows.length && !hint.length;
    this.#mark();
  }

  #mark() {
    [...this.list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === this.at)));
    this.list.children[this.at]?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
    if (this.found?.length) this.input.setAttribute("aria-activedescendant", `film-road-${this.at}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  #close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
  }

  #onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    event.stopPropagation();
    if (step && this.found?.length) {
      event.preventDefault();
      this.at = Math.min(Math.min(this.found.length, MOST_SHOWN) - 1, Math.max(0, this.at + step));
      this.#mark();
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.#go(this.found?.[this.at]?.road ?? null);
    } else if (event.key === "Escape") {
      this.input.value = "";
      this.input.blur();
    }
  }

  #go(road) {
    const { words, metres } = this.#wanted;
    if (road === null && (words.length || metres === null)) return;
    this.input.value = "";
    this.#close();
    this.input.blur();
    this.dispatchEvent(new CustomEvent("go", { detail: { road, metres } }));
  }
}
