// The whole road above its pictures: where cameras stand and what is wrong, where we are; pressed, it leads there.

import { s } from "./dom.js";
import { stakeWords, wordsWidth } from "./roadview.js";

const EDGE_PX = 12;
const ROWS = { names: 13, up: [18, 8], down: [29, 8], marks: 50 };
const CELL_PX = 4;
const RANKS = ["unknown", "online", "offline", "fault"];
const LABEL_PX = 96;
const STEPS_M = [1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000];

// Event: "jump" (metres).
export class FilmRoad extends EventTarget {
  constructor(element) {
    super();
    this.element = element;
    this.cameras = [];
    element.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      element.setPointerCapture(event.pointerId);
      this.#jump(event);
    });
    element.addEventListener("pointermove", (event) => element.hasPointerCapture(event.pointerId) && this.#jump(event));
    addEventListener("resize", () => this.#draw());
  }

  #jump(event) {
    const x = event.clientX - this.element.getBoundingClientRect().left;
    this.dispatchEvent(new CustomEvent("jump", { detail: this.first + ((x - EDGE_PX) / this.#width) * this.span }));
  }

  get #width() {
    return Math.max(1, this.element.clientWidth - 2 * EDGE_PX);
  }

  #x(metres) {
    return EDGE_PX + ((metres - this.first) / this.span) * this.#width;
  }

  show(cameras, places) {
    this.cameras = cameras;
    this.places = places;
    this.first = cameras[0].at;
    this.span = Math.max(1, cameras.at(-1).at - this.first);
    this.#draw();
  }

  #draw() {
    if (!this.cameras.length) return;
    this.window = s("rect", { class: "film-window", y: 15, height: 25, rx: 2 });
    this.flag = s("path", { class: "film-flag" });
    this.element.replaceChildren(...this.#names(), ...this.#lane(1, ROWS.down), ...this.#lane(0, ROWS.up), ...this.#stakes(), this.window, this.flag);
    if (this.place) this.mark(...this.place);
  }

  // The worst of those that share a few pixels.
  #lane(way, [y, height]) {
    const worst = new Map();
    for (const camera of this.cameras) {
      if (camera.way !== way && camera.way !== 2) continue;
      const cell = Math.round(this.#x(camera.at) / CELL_PX);
      const rank = RANKS.indexOf(camera.state);
      if (rank > (worst.get(cell) ?? -1)) worst.set(cell, rank);
    }
    const ground = s("rect", { class: "film-lane", x: 0, y, width: this.element.clientWidth, height });
    return [ground, ...[...worst].map(([cell, rank]) => s("rect", { class: "film-tick", "data-state": RANKS[rank], x: cell * CELL_PX - 1, y, width: 3, height }))];
  }

  #names() {
    let free = 0;
    return this.places.flatMap(({ kind, name, from_m: from, to_m: to }) => {
      const width = wordsWidth(name, 11);
      const left = Math.max(2, Math.min(this.#x((from + to) / 2) - width / 2, this.element.clientWidth - width - 2));
      if (left < free || kind === "bridge") return [];
      free = left + width + 10;
      return [s("text", { class: "film-place", x: left, y: ROWS.names - 2 }, name)];
    });
  }

  #stakes() {
    const step = STEPS_M.find((one) => (one / this.span) * this.#width >= LABEL_PX) ?? STEPS_M.at(-1);
    const words = [];
    for (let at = Math.ceil(this.first / step) * step; at <= this.first + this.span; at += step) {
      const x = this.#x(at);
      if (x > 26 && x < this.element.clientWidth - 26) words.push(s("text", { class: "film-stake", x, y: ROWS.marks }, stakeWords(at)));
    }
    return words;
  }

  // The stretch that is seen, and the camera that is chosen.
  mark(from, to, chosen) {
    this.place = [from, to, chosen];
    if (!this.window) return;
    const left = this.#x(from) - 3;
    this.window.setAttribute("x", left);
    this.window.setAttribute("width", Math.max(8, this.#x(to) + 3 - left));
    this.flag.setAttribute("d", chosen === null ? "" : `M${this.#x(chosen)} 40v-26m-4 0h8l-4 5z`);
  }
}
