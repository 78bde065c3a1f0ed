// Tiles that play out of sight before their turn, so that the next page of a tour stands at once.

import { Tile } from "./tile.js";

export class Spares {
  constructor(element, wall) {
    this.element = element;
    this.wall = wall;
    this.tiles = new Map();
  }

  // Begins what is not on the wall yet; what was begun and is not wanted any more ends.
  prepare(cards) {
    const standing = this.wall.marks();
    const wanted = cards.filter((card) => card?.state === "online" && !standing.has(card.id));
    const ids = new Set(wanted.map(({ id }) => id));
    for (const id of this.tiles.keys()) if (!ids.has(id)) this.#drop(id);
    for (const card of wanted) if (!this.tiles.has(card.id)) this.#begin(card);
  }

  #begin(card) {
    const tile = new Tile(0, this.wall);
    this.tiles.set(card.id, tile);
    this.element.append(tile.element);
    tile.show(card);
  }

  // From here on it is the wall's.
  take(id) {
    const tile = this.tiles.get(id) ?? null;
    this.tiles.delete(id);
    return tile;
  }

  clear() {
    for (const id of [...this.tiles.keys()]) this.#drop(id);
  }

  #drop(id) {
    const tile = this.take(id);
    tile.clear();
    tile.element.remove();
  }
}
