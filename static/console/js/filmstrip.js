// The pictures of a road side by side: columns by stake, a row for each carriageway. Only what is near is there.

import { h, setText } from "./dom.js";
import { STATES, distance, isoDay, minute } from "./words.js";

// Cameras of two carriageways that stand this close share a column.
const TOGETHER_M = 600;
// What happens between two cameras that far apart is seen by neither.
const GAP_M = 5000;
const SPARE_COLUMNS = 1;
const CAPTION_PX = 44;
const GAP_PX = 1;
const SHAPE = 16 / 9;
export const LANES = [[0, "上行 ▶"], [2, "双向"], [1, "◀ 下行"]];

// Cameras in the order of their stakes: [{ at, cells: { way: camera } }].
export function columnsOf(cameras) {
  const columns = [];
  for (const camera of cameras) {
    const last = columns.at(-1);
    const isNear = last && camera.at - last.at <= TOGETHER_M;
    const isFree = last && !last.cells[camera.way];
    if (isNear && isFree) last.cells[camera.way] = camera;
    else columns.push({ at: camera.at, cells: { [camera.way]: camera } });
  }
  columns.forEach((column, index) => Object.values(column.cells).forEach((camera) => (camera.column = index)));
  return columns;
}

// Cameras of one carriageway: how far the one before it is, where that is far.
function markGaps(cameras) {
  cameras.forEach((camera, index) => {
    const metres = index ? camera.at - cameras[index - 1].at : 0;
    camera.gap = metres >= GAP_M ? `距前一路 ${distance(metres).slice(1)}` : "";
  });
}

// Events: "seen" (first and last column in sight), "choose" (camera).
export class FilmStrip extends EventTarget {
  constructor(stage, strip, pictures, days) {
    super();
    Object.assign(this, { stage, strip, pictures, days });
    this.columns = [];
    this.lanes = [];
    this.there = new Map();
    this.chosen = null;
    this.slot = null;
    this.present = 0;
    stage.addEventListener("scroll", () => this.#arrange(), { passive: true });
    new ResizeObserver(() => this.#resize()).observe(stage);
    stage.addEventListener("wheel", (event) => this.#roll(event), { passive: false });
    strip.addEventListener("focusin", ({ target }) => {
      const id = Number(target.closest(".cell")?.dataset.id);
      if (id && id !== this.chosen?.id) this.dispatchEvent(new CustomEvent("choose", { detail: this.cameras.get(id) }));
    });
  }

  #roll(event) {
    if (event.ctrlKey || !event.deltaY) return;
    event.preventDefault();
    this.stage.scrollLeft += event.deltaY;
  }

  show(cameras) {
    this.cameras = new Map(cameras.map((camera) => [camera.id, camera]));
    this.columns = columnsOf(cameras);
    this.lanes = LANES.filter(([way]) => cameras.some((camera) => camera.way === way));
    for (const [way] of this.lanes) markGaps(this.columns.map(({ cells }) => cells[way]).filter(Boolean));
    this.there.clear();
    this.strip.replaceChildren();
    this.stage.scrollLeft = 0;
    this.#resize();
  }

  // Columns in sight, more or less.
  setSize(wanted) {
    const middle = this.#middle();
    this.wanted = wanted;
    this.#resize();
    this.stage.scrollLeft = middle * this.width - this.stage.clientWidth / 2;
  }

  #middle() {
    return this.width ? (this.stage.scrollLeft + this.stage.clientWidth / 2) / this.width : 0;
  }

  #resize() {
    if (!this.lanes.length) return;
    const fits = this.stage.clientHeight / this.lanes.length - CAPTION_PX - 3 * GAP_PX;
    const width = Math.floor(Math.min(this.stage.clientWidth / this.wanted - GAP_PX, fits * SHAPE));
    const middle = this.#middle();
    const isChanged = this.width && width + GAP_PX !== this.width;
    this.width = width + GAP_PX;
    this.strip.style.width = `${this.columns.length * this.width}px`;
    this.strip.style.setProperty("--cell", `${width}px`);
    // The names of the carriageways stand beside their rows.
    document.body.style.setProperty("--face", `${Math.round(width / SHAPE)}px`);
    if (isChanged) this.stage.scrollLeft = middle * this.width - this.stage.clientWidth / 2;
    for (const [index, element] of this.there) element.style.left = `${index * this.width}px`;
    this.#arrange();
  }

  // [first, last] column in sight.
  get sight() {
    const first = Math.floor(this.stage.scrollLeft / this.width);
    const last = Math.ceil((this.stage.scrollLeft + this.stage.clientWidth) / this.width) - 1;
    return [Math.max(0, first), Math.min(this.columns.length - 1, last)];
  }

  camerasIn(first, last) {
    return this.columns.slice(Math.max(0, first), last + 1).flatMap(({ cells }) => Object.values(cells));
  }

  #arrange() {
    if (!this.columns.length) return;
    const [first, last] = this.sight;
    const [from, to] = [Math.max(0, first - SPARE_COLUMNS), Math.min(this.columns.length - 1, last + SPARE_COLUMNS)];
    for (const [index, element] of this.there) {
      if (index >= from && index <= to) continue;
      element.querySelectorAll(".cell").forEach((cell) => this.#letGo(cell));
      element.remove();
      this.there.delete(index);
    }
    for (let index = from; index <= to; index += 1) if (!this.there.has(index)) this.#add(index);
    this.dispatchEvent(new CustomEvent("seen", { detail: { first, last } }));
  }

  #add(index) {
    const { cells } = this.columns[index];
    const element = h("div", { class: "film-column" }, ...this.lanes.map(([way]) => (cells[way] ? cellOf(cells[way]) : h("div", { class: "cell is-empty" }))));
    element.style.left = `${index * this.width}px`;
    this.there.set(index, element);
    // In the order of the road, for whoever goes on by the tab key.
    const next = [...this.there.keys()].filter((one) => one > index).sort((a, b) => a - b)[0];
    this.strip.insertBefore(element, next === undefined ? null : this.there.get(next));
    element.querySelectorAll(".cell[data-id]").forEach((cell) => this.#paint(cell));
  }

  // Moving -----------------------------------------------------------------------------------------

  choose(camera) {
    this.chosen = camera;
    const left = camera.column * this.width;
    const { scrollLeft, clientWidth } = this.stage;
    // A neighbour stays in sight, so that one sees where the next step leads.
    if (left < scrollLeft + this.width) this.stage.scrollLeft = left - this.width;
    else if (left + 2 * this.width > scrollLeft + clientWidth) this.stage.scrollLeft = left + 2 * this.width - clientWidth;
    this.#arrange();
    for (const cell of this.strip.querySelectorAll(".cell[data-id]")) this.#place(cell);
  }

  centre(index) {
    this.stage.scrollLeft = (index + 0.5) * this.width - this.stage.clientWidth / 2;
  }

  nearest(metres, way = null) {
    const there = [...this.cameras.values()].filter((camera) => way === null || camera.way === way);
    return there.reduce((best, one) => (!best || Math.abs(one.at - metres) < Math.abs(best.at - metres) ? one : best), null);
  }

  // The next camera along the same carriageway.
  beside(camera, step) {
    for (let index = camera.column + step; this.columns[index]; index += step) {
      const found = this.columns[index].cells[camera.way];
      if (found) return found;
    }
    return null;
  }

  // The nearest one of the row above or below.
  across(camera, step) {
    const at = this.lanes.findIndex(([way]) => way === camera.way);
    const lane = this.lanes[at + step];
    return lane ? (this.columns[camera.column].cells[lane[0]] ?? this.nearest(camera.at, lane[0])) : null;
  }

  // Painting ---------------------------------------------------------------------------------------

  // `slot` null: the newest picture of each.
  turn(slot, present) {
    this.slot = slot;
    this.present = present;
    this.paint();
  }

  paint() {
    for (const cell of this.strip.querySelectorAll(".cell[data-id]")) this.#paint(cell);
  }

  #paint(cell) {
    const camera = this.cameras.get(Number(cell.dataset.id));
    const slot = this.slotOf(camera);
    this.#place(cell);
    cell.href = slot ? `/snapshots/?camera=${camera.id}&at=${slot}` : `/snapshots/?camera=${camera.id}`;
    const isOld = this.slot === null && slot && slot < this.present - this.days.period;
    const wrong = slot ? this.days.wrong(camera.id, slot) : "";
    mark(cell, camera, { isNow: this.slot === null, wrong, when: isOld ? `截图 ${isoDay(slot).slice(5)} ${minute(slot)}` : "" });
    cell.classList.toggle("is-old", Boolean(isOld));
    if (slot === undefined || (slot && this.days.letter(camera.id, slot) === null && this.slot !== null)) this.#wait(cell);
    else if (slot === null) this.#gap(cell, "还没有截图", STATES[camera.state]);
    else if (this.slot !== null && !this.days.isPicture(camera.id, slot)) this.#gap(cell, "没有截图", this.days.reason(camera.id, slot, this.present));
    else this.#picture(cell, camera, slot);
  }

  // Where it stands, seen from the camera that is chosen.
  #place(cell) {
    const { id, at } = this.cameras.get(Number(cell.dataset.id));
    cell.classList.toggle("is-chosen", id === this.chosen?.id);
    setText(cell.querySelector(".cell-far"), this.chosen && id !== this.chosen.id ? distance(at - this.chosen.at) : "");
  }

  slotOf(camera) {
    return this.slot ?? this.days.latest(camera.id, this.present);
  }

  #letGo(cell) {
    if (cell.entry && !cell.entry.isReady) this.pictures.drop(cell.entry);
    cell.entry = null;
  }

  #wait(cell) {
    cell.dataset.state = "loading";
    cell.dataset.slot = "";
  }

  #gap(cell, words, reason) {
    this.#letGo(cell);
    cell.dataset.state = "gap";
    cell.dataset.slot = this.slot ?? "";
    cell.firstChild.replaceChildren(h("span", {}, words, h("br"), reason));
  }

  async #picture(cell, camera, slot) {
    const entry = this.pictures.want(camera.id, slot);
    if (cell.entry === entry && cell.dataset.state === "picture") return;
    if (cell.entry !== entry) this.#letGo(cell);
    cell.entry = entry;
    if (!entry.isReady) {
      // The picture of another time is dimmed until this one is there.
      cell.dataset.state = "loading";
      const isThere = await entry.done;
      if (cell.entry !== entry) return;
      if (!isThere) {
        cell.entry = null;
        this.#gap(cell, "截图没有取到", "图片文件缺失，或与平台的连接中断");
        return;
      }
    }
    entry.image.alt = `${camera.stake} ${isoDay(slot)} ${minute(slot)} 截图`;
    cell.firstChild.replaceChildren(entry.image);
    cell.dataset.state = "picture";
    cell.dataset.slot = slot;
  }

  // When every picture in sight is there, or known not to be.
  async settled() {
    await Promise.all([...this.strip.querySelectorAll(".cell[data-id]")].map((cell) => cell.entry?.done));
  }

  preparedBy(cameras, slot) {
    const pairs = cameras.map((camera) => [camera.id, slot ?? this.days.latest(camera.id, this.present)]);
    return pairs.filter(([id, at]) => at && (slot === null || this.days.isPicture(id, at)));
  }
}

function cellOf(camera) {
  return h(
    "a",
    { class: "cell", "data-id": camera.id, "data-testid": "cell", "data-way": camera.way, href: "#", title: camera.name, draggable: "false" },
    h("div", { class: "cell-face" }),
    h("p", { class: "cell-place" }, h("b", { class: "mono" }, camera.stake), h("span", {}, camera.place), h("b", { class: "mono cell-far", title: "沿路距所选摄像机" })),
    h("p", { class: "cell-marks" }, camera.gap ? h("span", { class: "cell-gap mono", title: "沿路距同向前一路摄像机" }, camera.gap) : null, h("span", { class: "cell-state" }, h("i", { class: "state" }), h("span")), h("span", { class: "cell-quality", hidden: true }, h("i", { class: "state", "data-state": "quality" }), h("span")), h("span", { class: "mono cell-when" })),
  );
}

function mark(cell, camera, { isNow, wrong, when }) {
  const state = cell.querySelector(".cell-state");
  state.hidden = !isNow || camera.state === "online";
  state.firstChild.dataset.state = camera.state;
  setText(state.lastChild, STATES[camera.state]);
  const quality = cell.querySelector(".cell-quality");
  quality.hidden = !wrong;
  setText(quality.lastChild, wrong);
  setText(cell.querySelector(".cell-when"), when);
}

