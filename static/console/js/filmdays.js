// What every slot of the cameras of a road has, a day at a time, fetched for those that are near.

import { get } from "./api.js";
import { isoDay, nowSeconds } from "./words.js";

const PICTURES = "pb";
// As many as the platform answers for at once.
const MOST_IDS = 80;
// Of today; days that are over do not change.
const FRESH_MS = 25_000;

export class FilmDays {
  constructor(period) {
    this.period = period;
    this.reasons = {};
    this.missed = "";
    // By day and camera: { first, slots, quality, latest, at }.
    this.rows = new Map();
    this.asked = new Set();
  }

  #key(id, day) {
    return `${day} ${id}`;
  }

  row(id, slot) {
    return this.rows.get(this.#key(id, isoDay(slot)));
  }

  // True when something came that was not known.
  async want(ids, slot) {
    const day = isoDay(slot);
    const isToday = day === isoDay(nowSeconds());
    const isFresh = (row) => row && (!isToday || Date.now() - row.at < FRESH_MS);
    const missing = ids.filter((id) => !isFresh(this.rows.get(this.#key(id, day))) && !this.asked.has(this.#key(id, day)));
    const pieces = [];
    for (let at = 0; at < missing.length; at += MOST_IDS) pieces.push(this.#fetch(missing.slice(at, at + MOST_IDS), day));
    await Promise.all(pieces);
    return pieces.length > 0;
  }

  async #fetch(ids, day) {
    for (const id of ids) this.asked.add(this.#key(id, day));
    try {
      const found = await get(`/film/days/${day}/`, { ids: ids.join(",") });
      Object.assign(this, { reasons: found.reasons, missed: found.missed, period: found.period });
      for (const [id, row] of Object.entries(found.cameras)) this.rows.set(this.#key(id, day), { ...row, first: found.first, at: Date.now() });
    } finally {
      for (const id of ids) this.asked.delete(this.#key(id, day));
    }
  }

  letter(id, slot) {
    const row = this.row(id, slot);
    return row ? (row.slots[(slot - row.first) / this.period] ?? "-") : null;
  }

  isPicture(id, slot) {
    const letter = this.letter(id, slot);
    return letter !== null && PICTURES.includes(letter);
  }

  // Slot of the newest picture, null when there is none, undefined while it is not known.
  latest(id, now) {
    return this.row(id, now)?.latest;
  }

  reason(id, slot, present) {
    const letter = this.letter(id, slot);
    if (letter === null) return "";
    if (letter === "-") return slot >= present ? "本时段还没有截图" : "当时不在台账中";
    const words = this.reasons[letter] ?? "";
    return this.missed.includes(letter) ? `${words}（平台原因）` : words;
  }

  // What was wrong with the picture at the end of its slot; empty when nothing was.
  wrong(id, slot) {
    if (this.letter(id, slot) !== "b") return "";
    return this.row(id, slot).quality.findLast(([since]) => since === null || since <= slot + this.period)?.[1] ?? "";
  }
}
