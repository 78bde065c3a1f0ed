// The wall: which camera is in which tile, which tile is selected, and whether the keyboard turns it.

import { Tile } from "./tile.js";

const MOST = 25;
// A camera put up while a poll was under way is missing from its answer once.
const MOST_ABSENT = 2;
const LAYOUTS = [1, 4, 9, 16, 25];

// Events: "select" (tile or null), "change" (who is where), "tile" (a tile's state), "pictures" (a tile).
export class Wall extends EventTarget {
  constructor(element, key) {
    super();
    this.element = element;
    this.key = key;
    this.kept = new Array(MOST).fill(null);
    this.tiles = [];
    this.selected = null;
    this.isArmed = false;
    this.order = [];
    this.isFilled = false;
    // What a tour puts up is not what somebody wants back tomorrow.
    this.remembers = true;
    // Places that selected cameras left to stay in sight of a smaller layout, the last one last.
    this.left = [];
    this.#listen();
    setInterval(() => this.tiles.forEach((tile) => tile.tick()), 200);
  }

  #listen() {
    this.element.addEventListener("click", (event) => this.#onTile(event, (tile) => this.select(tile, true)));
    this.element.addEventListener("dblclick", (event) => this.#onTile(event, (tile) => tile.card && this.magnify(tile)));
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.classList.contains("tile")) this.#onTile(event, (tile) => this.select(tile, true));
    });
    this.element.addEventListener("dragstart", (event) => this.#onTile(event, (tile) => event.dataTransfer.setData("text/x-tile", String(tile.index))));
    this.element.addEventListener("dragover", (event) => this.#onTile(event, (tile) => this.#aim(event, tile)));
    this.element.addEventListener("dragleave", () => this.#aim(null, null));
    this.element.addEventListener("drop", (event) => this.#onTile(event, (tile) => this.#drop(event, tile)));
  }

  #onTile(event, act) {
    const element = event.target.closest(".tile");
    const tile = this.tiles.find((one) => one.element === element);
    if (tile && !event.target.closest(".tile-close")) act(tile);
  }

  #aim(event, tile) {
    event?.preventDefault();
    this.tiles.forEach((one) => one.element.classList.toggle("is-target", one === tile));
  }

  #drop(event, tile) {
    event.preventDefault();
    this.#aim(null, null);
    const from = event.dataTransfer.getData("text/x-tile");
    if (from) {
      this.#swap(this.tiles[Number(from)], tile);
      return;
    }
    const card = event.dataTransfer.getData("text/x-camera");
    if (card) this.put(JSON.parse(card), tile.index);
  }

  #swap(one, other) {
    if (!one || one === other) return;
    const { index } = one;
    [this.tiles[index], this.tiles[other.index]] = [other, one];
    one.setIndex(other.index);
    other.setIndex(index);
    this.#changed();
  }

  setLayout(count) {
    const layout = LAYOUTS.includes(count) ? count : 9;
    this.layout = layout;
    this.element.dataset.layout = layout;
    this.magnify(null);
    this.#keepSelected();
    while (this.tiles.length > layout) {
      const tile = this.tiles.pop();
      this.kept[tile.index] = tile.card;
      if (this.selected === tile) this.select(null);
      tile.clear();
      tile.element.remove();
    }
    while (this.tiles.length < layout) {
      const tile = new Tile(this.tiles.length, this);
      this.tiles.push(tile);
      this.element.append(tile.element);
      if (this.kept[tile.index]) tile.show(this.kept[tile.index]);
    }
    this.#bringBack();
    this.#changed();
  }

  #keepSelected() {
    const { selected, layout } = this;
    if (!selected?.card || selected.index < layout) return;
    this.left.push({ from: selected.index, to: layout - 1, id: selected.card.id });
    this.#swap(selected, this.tiles[layout - 1]);
  }

  #bringBack() {
    while (this.left.length && this.left.at(-1).from < this.layout) {
      const { from, to, id } = this.left.pop();
      if (this.tiles[to].card?.id === id) this.#swap(this.tiles[to], this.tiles[from]);
    }
  }

  // Up it goes: into the tile given, an empty one, the selected one, else the one that stood longest.
  put(card, index = null) {
    const standing = this.tiles.find((tile) => tile.card?.id === card.id);
    if (standing && (index === null || standing.index === index)) {
      this.select(standing, false);
      return;
    }
    if (standing) this.remove(standing.index);
    const tile = this.tiles[index] ?? this.#target();
    if (this.magnified && this.magnified !== tile) this.magnify(null);
    tile.show(card);
    this.order = [...this.order.filter((one) => one !== tile), tile];
    this.select(tile, false);
    this.#changed();
  }

  #target() {
    const isEmpty = (tile) => tile && !tile.card;
    if (isEmpty(this.selected)) return this.selected;
    return this.tiles.find(isEmpty) ?? this.selected ?? this.order.find((tile) => this.tiles.includes(tile)) ?? this.tiles[0];
  }

  fill(cards) {
    const standing = this.marks();
    cards.forEach((card, index) => {
      // What was put up by hand meanwhile stays.
      if (this.kept[index] || standing.has(card?.id)) return;
      this.kept[index] = card;
      if (card && this.tiles[index]) this.tiles[index].show(card);
    });
    this.isFilled = true;
    this.#changed();
  }

  // Another set of cameras, tile by tile; those that are up already go on playing.
  arrange(cards, spares = null) {
    this.magnify(null);
    this.select(null);
    for (let index = 0; index < this.layout; index += 1) this.#seat(this.tiles[index], cards[index] ?? null, spares);
    this.kept.fill(null, this.layout);
    this.left = [];
    this.isFilled = true;
    this.#changed();
  }

  #seat(tile, card, spares) {
    if (tile.card?.id === card?.id) return;
    const standing = card && this.tiles.find((one) => one.index > tile.index && one.card?.id === card.id);
    const spare = card && !standing ? spares?.take(card.id) : null;
    if (standing) this.#swap(tile, standing);
    else if (spare) this.#exchange(tile, spare);
    else if (card) tile.show(card);
    else tile.clear();
  }

  #exchange(tile, spare) {
    this.tiles[tile.index] = spare;
    spare.setIndex(tile.index);
    tile.element.replaceWith(spare.element);
    tile.clear();
  }

  remove(index) {
    const tile = this.tiles[index];
    if (!tile?.card) return;
    if (this.magnified === tile) this.magnify(null);
    tile.clear();
    if (this.selected === tile) this.select(null);
    this.#changed();
  }

  // Returns what was up, which `fill` brings back.
  clear() {
    const before = [...this.kept];
    this.kept.fill(null);
    this.select(null);
    this.tiles.forEach((tile) => tile.clear());
    this.#changed();
    return before;
  }

  // From the selected tile to the one beside it, as arrows lead.
  step(columns, rows) {
    const side = Math.round(Math.sqrt(this.layout));
    const from = this.selected?.index ?? 0;
    const column = this.selected ? (from % side) + columns : 0;
    const row = this.selected ? Math.floor(from / side) + rows : 0;
    if (column < 0 || row < 0 || column >= side || row >= side) return;
    const tile = this.tiles[row * side + column];
    this.select(tile, false);
    tile.element.focus();
  }

  // Armed means that arrows turn it; a camera that was only put up is selected, not yet under control.
  select(tile, isArmed = false) {
    const isSame = this.selected === tile && this.selectedId === (tile?.card?.id ?? null);
    this.selected = tile;
    this.selectedId = tile?.card?.id ?? null;
    this.isArmed = Boolean(isArmed && tile?.card);
    this.#paint();
    this.dispatchEvent(new CustomEvent("select", { detail: { tile, isSame } }));
  }

  disarm() {
    this.isArmed = false;
    this.#paint();
    this.dispatchEvent(new CustomEvent("select", { detail: { tile: this.selected, isSame: true } }));
  }

  #paint() {
    for (const tile of this.tiles) {
      const isSelected = tile === this.selected;
      tile.element.classList.toggle("is-selected", isSelected);
      tile.element.classList.toggle("is-armed", isSelected && this.isArmed && Boolean(tile.card?.can_ptz && tile.card?.may_ptz));
    }
  }

  magnify(tile) {
    const isOn = Boolean(tile) && this.magnified !== tile;
    this.magnified?.element.classList.remove("is-large");
    this.magnified = isOn ? tile : null;
    this.magnified?.element.classList.add("is-large");
    this.element.classList.toggle("is-magnified", isOn);
  }

  showStep(step) {
    this.ptzStep = step;
    for (const tile of this.tiles) tile.step.textContent = step;
  }

  // Camera id -> number of its tile.
  marks() {
    return new Map(this.tiles.filter((tile) => tile.card).map((tile) => [tile.card.id, tile.index + 1]));
  }

  update(raws) {
    const byCamera = new Map(raws.map((raw) => [raw.id, raw]));
    for (const tile of this.tiles.filter((one) => one.card)) {
      const raw = byCamera.get(tile.card.id);
      tile.absent = raw ? 0 : tile.absent + 1;
      if (raw) tile.update(raw);
      else if (tile.absent >= MOST_ABSENT) this.#takeDown(tile);
    }
  }

  // The platform no longer tells of this camera: what still plays was opened before.
  #takeDown(tile) {
    const { name } = tile.card;
    this.remove(tile.index);
    tile.explain(`${name} 已撤下：您不再有查看权限，或摄像机已删除`);
  }

  told(tile) {
    this.dispatchEvent(new CustomEvent("tile", { detail: { tile } }));
  }

  // A tile put up from a list row knows its whole card now.
  learned(tile) {
    if (tile === this.selected) {
      this.#paint();
      this.dispatchEvent(new CustomEvent("select", { detail: { tile, isSame: true } }));
    }
  }

  wantsPictures(tile) {
    this.select(tile, false);
    this.dispatchEvent(new CustomEvent("pictures", { detail: { tile } }));
  }

  #changed() {
    this.tiles.forEach((tile) => (this.kept[tile.index] = tile.card));
    // Not before the remembered cameras are back: a page that never got them must not forget them.
    if (this.isFilled && this.remembers) {
      const ids = this.kept.map((card) => card?.id ?? null);
      localStorage.setItem(this.key, JSON.stringify({ layout: this.layout, ids }));
    }
    this.dispatchEvent(new CustomEvent("change"));
  }

  remembered() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "null");
      return kept && Array.isArray(kept.ids) ? kept : null;
    } catch {
      return null;
    }
  }
}
