// The road is the map: one road by stake number, both carriageways, states, and flags of what is on the wall.

import { get } from "./api.js";
import { byId, h, s, setText, shield } from "./dom.js";
import { RoadView, spread, stakeWords, wordsWidth } from "./roadview.js";
import { STATES } from "./words.js";

const DIRECTIONS = ["上行", "下行", "双向"];
const NEAR_PX = 9;
const DOT_PX = 16;
const FLAG_PX = 15;
const CELL_PX = 16;
const WAY_PX = 56;

// Events: "choose" (card of the camera double-clicked).
export class RoadStrip extends EventTarget {
  constructor(element) {
    super();
    this.element = element;
    this.view = new RoadView();
    this.road = null;
    this.marks = new Map();
    this.selected = null;
    this.svg = s("svg", { "aria-hidden": "true" });
    this.tip = h("p", { class: "road-tip", hidden: true });
    this.blank = h("p", {}, "选中一路画面，这里显示它所在的路线");
    element.append(this.blank);
    new ResizeObserver(() => this.#draw()).observe(element);
    this.#listen();
  }

  // Data ------------------------------------------------------------------------------------------

  async select(card) {
    this.selected = card;
    if (!card?.road) return this.#draw();
    await this.open(card.road);
    const camera = this.#chosen();
    if (camera && !this.view.sees(camera.at, this.view.span * 0.04)) this.view.centre(camera.at);
    return this.#draw();
  }

  // Any road, whether or not one of its cameras is on the wall.
  async open(name) {
    if (this.wanted !== name) {
      this.wanted = name;
      try {
        const road = await get(`/roads/${encodeURIComponent(name)}/`);
        if (this.wanted === road.road) this.#setRoad(road);
      } catch (error) {
        if (this.wanted === name) this.#setRoad(null, error.message);
        this.wanted = null;
      }
    }
    this.#draw();
  }

  #setRoad(road, words = "") {
    this.road = road;
    this.svg.remove();
    this.tip.remove();
    this.blank.hidden = Boolean(road);
    setText(this.blank, words);
    byId("road-counts").hidden = !road;
    if (!road) return;
    this.cameras = road.cameras.map(([id, at, way, state, stake, place, name]) => ({ id, at, way, state, stake, place, name }));
    this.byId = new Map(this.cameras.map((camera) => [camera.id, camera]));
    this.element.append(this.svg, this.tip);
    shield(byId("road-shield"), road.road);
    setText(byId("road-name"), road.name || "路线");
    byId("road-choice").value = road.road;
    this.view.setExtent(this.cameras[0].at, this.cameras.at(-1).at);
    const camera = this.#chosen();
    if (camera) this.view.centre(camera.at);
  }

  #chosen() {
    return this.byId?.get(this.selected?.id) ?? null;
  }

  setMarks(marks) {
    this.marks = marks;
    this.#draw();
  }

  update(changes) {
    let hasChanged = false;
    for (const [id, state] of changes) {
      const camera = this.byId?.get(id);
      if (!camera || camera.state === state) continue;
      camera.state = state;
      hasChanged = true;
    }
    if (hasChanged) this.#draw();
  }

  // Hands -----------------------------------------------------------------------------------------

  #listen() {
    this.element.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.view.zoom(event.deltaY > 0 ? 1.25 : 0.8, event.offsetX);
      this.#draw();
    }, { passive: false });
    this.element.addEventListener("pointerdown", (event) => this.#grab(event));
    this.element.addEventListener("pointermove", (event) => this.#move(event));
    this.element.addEventListener("pointerup", () => this.#letGo());
    this.element.addEventListener("pointercancel", () => this.#letGo());
    this.element.addEventListener("pointerleave", () => (this.tip.hidden = true));
    this.element.addEventListener("dblclick", (event) => {
      const camera = this.#near(event);
      if (camera) this.dispatchEvent(new CustomEvent("choose", { detail: this.#card(camera) }));
    });
  }

  #grab(event) {
    if (!this.road || event.button !== 0) return;
    const { overview } = this.view.rows;
    const isOverview = this.#y(event) < overview[0] + overview[1] + 5;
    this.drag = { x: event.clientX, from: this.view.from, isOverview };
    this.element.setPointerCapture(event.pointerId);
    if (isOverview) this.#jump(event);
  }

  #jump(event) {
    this.view.centre(this.view.overviewMetres(this.#x(event)));
    this.#draw();
  }

  #move(event) {
    if (!this.road) return;
    if (!this.drag) {
      this.#hint(event);
    } else if (this.drag.isOverview) {
      this.#jump(event);
    } else {
      this.element.classList.add("is-dragged");
      this.tip.hidden = true;
      this.view.moveTo(this.drag.from - ((event.clientX - this.drag.x) / this.view.width) * this.view.span);
      this.#draw();
    }
  }

  #letGo() {
    this.drag = null;
    this.element.classList.remove("is-dragged");
  }

  #x(event) {
    return event.clientX - this.element.getBoundingClientRect().left;
  }

  #y(event) {
    return event.clientY - this.element.getBoundingClientRect().top;
  }

  #near(event) {
    if (!this.road) return null;
    const [x, y] = [this.#x(event), this.#y(event)];
    let [best, distance] = [null, NEAR_PX];
    for (const camera of this.cameras) {
      const away = Math.hypot(this.view.x(camera.at) - x, (this.#laneY(camera.way) - y) / 1.6);
      if (away < distance) [best, distance] = [camera, away];
    }
    return best;
  }

  #hint(event) {
    const camera = this.#near(event);
    this.tip.hidden = !camera;
    this.element.style.cursor = camera ? "pointer" : "";
    if (!camera) return;
    const number = this.marks.get(camera.id);
    setText(this.tip, [`${camera.stake} ${DIRECTIONS[camera.way]} · ${camera.place}`, STATES[camera.state], number ? `${number} 号画面` : ""].filter(Boolean).join(" · "));
    const x = Math.min(this.view.width - this.tip.offsetWidth - 4, Math.max(4, this.view.x(camera.at) - this.tip.offsetWidth / 2));
    this.tip.style.left = `${x}px`;
    this.tip.style.top = `${Math.max(2, this.#laneY(camera.way) - 40)}px`;
  }

  #card(camera) {
    return { id: camera.id, number: "", name: camera.name, road: this.road.road, stake: camera.stake, direction: DIRECTIONS[camera.way], place: camera.place, state: camera.state, since: null, reason: "", picture: null };
  }

  // Drawing ---------------------------------------------------------------------------------------

  #laneY(way) {
    const { up, median, down } = this.view.rows;
    const [top, height] = [up, down, median][way];
    return top + height / 2;
  }

  #draw() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      if (!this.road) return;
      this.view.resize(this.element.clientWidth, this.element.clientHeight);
      const seen = this.cameras.filter((camera) => this.view.sees(camera.at, -200));
      this.svg.replaceChildren(...this.#overview(), ...this.#sections(), ...this.#lanes(), ...this.#axis(), ...this.#places(), ...this.#ways(), ...this.#cameras(seen), ...this.#here(), ...this.#flags());
      this.#counts();
    });
  }

  #counts() {
    const counts = { online: 0, offline: 0, fault: 0, unknown: 0 };
    for (const { state } of this.cameras) counts[state] += 1;
    for (const [state, count] of Object.entries(counts)) setText(byId(`road-${state}`), String(count));
    setText(byId("road-extent"), `全线 ${this.cameras.length} 路 · `);
  }

  #overview() {
    const { view } = this;
    const [y, height] = view.rows.overview;
    const cells = Math.max(1, Math.floor(view.width / CELL_PX));
    const worst = new Array(cells).fill(null);
    for (const { at, state } of this.cameras) {
      const cell = Math.min(cells - 1, Math.max(0, Math.floor((view.overviewX(at) / view.width) * cells)));
      if (state === "fault" || worst[cell] === null || (state === "offline" && worst[cell] !== "fault")) worst[cell] = state;
    }
    const width = view.width / cells;
    const bars = worst.map((state, cell) => state && s("rect", { class: "r-cell", "data-state": state, x: cell * width, y, width: width - 1, height }));
    const from = view.overviewX(view.from);
    const frame = s("rect", { class: "r-window", x: Math.max(1, from), y: y - 3, width: Math.max(8, Math.min(view.width - 1, view.overviewX(view.to)) - Math.max(1, from)), height: height + 6, rx: 2 });
    return [...bars.filter(Boolean), frame];
  }

  #sections() {
    const { view } = this;
    const [y, height] = view.rows.section;
    return this.road.sections.flatMap(({ name, from_m: from, to_m: to }, index) => {
      const left = Math.max(0, view.x(from - 50));
      const right = Math.min(view.width, view.x(to + 50));
      if (right - left < 4) return [];
      const band = s("rect", { class: index % 2 ? "r-section is-odd" : "r-section", x: left, y, width: right - left - 1, height });
      const fits = wordsWidth(name) + 12 < right - left;
      return fits ? [band, s("text", { x: (left + right) / 2, y: y + height - 4 }, name)] : [band];
    });
  }

  #lanes() {
    const { width, rows } = this.view;
    const [top, bottom] = [rows.up[0], rows.axis];
    return [
      s("rect", { class: "r-lane", x: 0, y: top, width, height: bottom - top }),
      s("path", { class: "r-edge", d: `M0 ${top + 0.5}H${width}M0 ${bottom - 0.5}H${width}` }),
      s("rect", { class: "r-median", x: 0, y: rows.median[0], width, height: rows.median[1] }),
      s("path", { class: "r-dash", d: `M0 ${this.#laneY(0)}H${width}M0 ${this.#laneY(1)}H${width}` }),
    ];
  }

  #axis() {
    const { view } = this;
    const { axis, label } = view.rows;
    const plate = this.#plate();
    let marks = "";
    const words = [];
    for (const { at, isLabelled, isRound } of view.ticks()) {
      const x = view.x(at);
      marks += `M${x.toFixed(1)} ${axis}v${isLabelled ? 7 : 4}`;
      const isUnder = plate && Math.abs(x - plate.centre) < plate.half + wordsWidth(stakeWords(at)) / 2 + 4;
      if (isLabelled && !isUnder && x > 24 && x < view.width - 24) words.push(s("text", { class: isRound ? "r-stake is-round" : "r-stake", x, y: label }, stakeWords(at)));
    }
    return [s("path", { class: "r-axis", d: marks, fill: "none" }), ...words];
  }

  #places() {
    const { view } = this;
    let free = 0;
    return this.road.places.flatMap((place) => {
      const x = view.x((place.from_m + place.to_m) / 2);
      const isSign = place.kind === "service" || place.kind === "toll";
      const width = wordsWidth(place.name) + (isSign ? 30 : 8);
      if (x < 0 || x > view.width) return [];
      const left = Math.max(0, Math.min(x - width / 2, view.width - width));
      if (left < free) return [];
      free = left + width + 6;
      return [isSign ? this.#sign(place, x, left, width) : this.#works(place, x, left + width / 2)];
    });
  }

  #sign(place, x, left, width) {
    const { place: [y, height], up } = this.view.rows;
    const letter = place.kind === "service" ? "P" : "收";
    return s(
      "g",
      { class: "r-place", "data-kind": place.kind },
      s("line", { x1: x, x2: x, y1: y + height, y2: up[0] }),
      s("rect", { x: left, y, width, height, rx: 3 }),
      s("rect", { class: "r-place-sign", x: left, y, width: height, height, rx: 3 }),
      s("text", { class: "r-place-letter", x: left + height / 2, y: y + height / 2 + 4 }, letter),
      s("text", { x: left + height + (width - height) / 2, y: y + height / 2 + 4 }, place.name),
    );
  }

  // A bridge or a tunnel has a length: framed across both carriageways.
  #works(place, x, middle) {
    const { place: [y, height], up, axis } = this.view.rows;
    const left = Math.min(this.view.x(place.from_m) - 6, x - 8);
    const right = Math.max(this.view.x(place.to_m) + 6, x + 8);
    return s("g", { class: "r-works" }, s("text", { x: middle, y: y + height / 2 + 4 }, place.name), s("rect", { x: left, y: up[0] - 2, width: right - left, height: axis - up[0] + 4 }));
  }

  #cameras(seen) {
    const { view } = this;
    const isRoomy = (view.width / Math.max(1, seen.length)) * 2 >= DOT_PX;
    const paths = { online: "", offline: "", fault: "", unknown: "" };
    for (const { at, way, state } of seen) {
      const [x, y] = [view.x(at).toFixed(1), this.#laneY(way)];
      if (state === "online") paths.online += isRoomy ? dot(x, y, 4.5) : `M${x - 1} ${y - 5}h2v10h-2z`;
      else if (state === "offline") paths.offline += `${dot(x, y, 5)}M${x - 3.5} ${y + 3.5}l7-7`;
      else if (state === "fault") paths.fault += `M${x} ${y - 6}l6.5 11.500h-13z`;
      else paths.unknown += dot(x, y, 4.5);
    }
    return Object.entries(paths).filter(([, d]) => d).map(([state, d]) => s("path", { class: "r-camera", "data-state": state, d }));
  }

  #ways() {
    const { width, rows } = this.view;
    const sign = (x, [y, height], words) => [
      s("rect", { class: "r-way", x, y: y + 2, width: WAY_PX, height: height - 3 }),
      s("text", { class: "r-way-words", x: x + WAY_PX / 2, y: y + height / 2 + 5 }, words),
    ];
    return [...sign(0, rows.up, "上行 ▶"), ...sign(width - WAY_PX, rows.down, "◀ 下行")];
  }

  #flags() {
    const flags = this.cameras.filter((camera) => this.marks.has(camera.id) && this.view.sees(camera.at));
    return [...this.#row(flags.filter(({ way }) => way !== 1), this.view.rows.flag, false), ...this.#row(flags.filter(({ way }) => way === 1), this.view.rows.below, true)];
  }

  #row(flags, y, isBelow) {
    const lefts = spread(flags.map(({ at }) => this.view.x(at) - FLAG_PX / 2), FLAG_PX, 0, this.view.width);
    return flags.flatMap((camera, index) => {
      const [x, left] = [this.view.x(camera.at), lefts[index]];
      const number = String(this.marks.get(camera.id));
      const foot = isBelow ? y : y + 13;
      const group = s("g", { class: camera.id === this.selected?.id ? "r-flag is-selected" : "r-flag" }, s("rect", { x: left + 0.5, y, width: FLAG_PX - 1.5, height: 13, rx: 2 }), s("text", { x: left + FLAG_PX / 2, y: y + 10.5 }, number));
      return [s("path", { class: "r-leader", d: `M${left + FLAG_PX / 2} ${foot}L${x} ${this.#laneY(camera.way) + (isBelow ? 6 : -6)}` }), group];
    });
  }

  // Where the stake of the chosen camera stands on the axis, over whose words it may not come to lie.
  #plate() {
    const camera = this.#chosen();
    if (!camera || !this.view.sees(camera.at)) return null;
    const x = this.view.x(camera.at);
    const half = wordsWidth(camera.stake, 13.5) / 2 + 9;
    return { camera, x, half, centre: Math.min(this.view.width - half - 2, Math.max(half + 2, x)) };
  }

  #here() {
    const plate = this.#plate();
    if (!plate) return [];
    const { rows } = this.view;
    const { camera, x, half, centre } = plate;
    return [
      s("path", { class: "r-here", d: `M${x} ${rows.flag + 12}V${rows.plate}` }),
      s("path", { class: "r-here-plate", d: `M${x - 5} ${rows.plate + 1}l5-6 5 6z` }),
      s("rect", { class: "r-here-plate", x: centre - half, y: rows.plate, width: half * 2, height: 22, rx: 3 }),
      s("text", { class: "r-here-words", x: centre, y: rows.plate + 16 }, camera.stake),
    ];
  }
}

const dot = (x, y, radius) => `M${Number(x) - radius} ${y}a${radius} ${radius} 0 1 0 ${radius * 2} 0a${radius} ${radius} 0 1 0 ${-radius * 2} 0`;
