// Pictures of many cameras: those of a whole view come in one answer, and each is shown as soon as it is there.

import { stream } from "./api.js";

const MOST_KEPT = 600;
// As many as the platform answers for at once.
const MOST_AT_ONCE = 80;
const LENGTH_BYTES = 4;

// Pieces of a body: each its length, the highest byte first, and so many bytes.
async function* pieces(reader) {
  let rest = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const all = new Uint8Array(rest.length + value.length);
    all.set(rest);
    all.set(value, rest.length);
    rest = all;
    for (let length = pieceLength(rest); length !== null && rest.length >= LENGTH_BYTES + length; length = pieceLength(rest)) {
      yield rest.slice(LENGTH_BYTES, LENGTH_BYTES + length);
      rest = rest.subarray(LENGTH_BYTES + length);
    }
  }
}

const pieceLength = (bytes) => (bytes.length < LENGTH_BYTES ? null : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));

class Entry {
  constructor(key) {
    this.key = key;
    this.image = new Image();
    this.image.draggable = false;
    this.isReady = false;
    this.isWanted = false;
    // `done` says whether there is a picture.
    this.done = new Promise((resolve) => (this.settle = resolve));
  }

  async take(bytes) {
    if (!bytes.length) return false;
    const address = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    this.image.src = address;
    try {
      await this.image.decode();
      this.isReady = true;
    } catch {
      return false;
    } finally {
      URL.revokeObjectURL(address);
    }
    return true;
  }
}

export class FilmPictures {
  constructor() {
    this.entries = new Map();
    this.next = [];
    this.ahead = [];
    this.sheet = null;
  }

  // Those that are wanted in one go are asked for in one go.
  want(id, slot) {
    const key = keyOf(id, slot);
    const entry = this.entries.get(key) ?? this.#begin(key, this.next);
    this.entries.delete(key);
    this.entries.set(key, entry);
    entry.isWanted = true;
    if (this.next.length) queueMicrotask(() => this.#flush());
    return entry;
  }

  // No longer waited for: when nobody waits for any of a sheet, it is broken off.
  drop(entry) {
    entry.isWanted = false;
    if (!entry.isReady && entry.sheet !== this.sheet) this.#breakOff(entry.sheet, new Set());
  }

  // Sheets of pairs [id, slot] that are likely to be wanted, the likeliest first; what was asked for before is forgotten.
  prepare(sheets) {
    this.ahead = sheets.map((pairs) => pairs.map(([id, slot]) => keyOf(id, slot)));
    if (this.sheet) this.#breakOff(this.sheet, new Set(this.ahead.flat()));
    else this.#goOn();
  }

  #breakOff(sheet, likely) {
    const missing = sheet?.entries.filter((entry) => !entry.isReady) ?? [];
    if (!missing.length || missing.some((entry) => entry.isWanted || likely.has(entry.key))) return;
    for (const entry of missing) this.#forget(entry);
    sheet.controller.abort();
  }

  #forget(entry) {
    if (this.entries.get(entry.key) === entry) this.entries.delete(entry.key);
  }

  #begin(key, list) {
    const entry = new Entry(key);
    this.entries.set(key, entry);
    list.push(entry);
    const [oldest] = this.entries.keys();
    if (this.entries.size > MOST_KEPT) this.entries.delete(oldest);
    return entry;
  }

  #flush() {
    while (this.next.length) this.#fetch(this.next.splice(0, MOST_AT_ONCE), "high");
  }

  // One at a time, so that the view itself never waits behind what may be wanted later.
  async #goOn() {
    while (!this.sheet && this.ahead.length) {
      const fresh = [];
      for (const key of this.ahead.shift()) if (!this.entries.has(key) && fresh.length < MOST_AT_ONCE) this.#begin(key, fresh);
      if (!fresh.length) continue;
      await this.#fetch(fresh, "low", true);
      this.sheet = null;
    }
  }

  async #fetch(entries, priority, isAhead = false) {
    const sheet = { entries, controller: new AbortController() };
    if (isAhead) this.sheet = sheet;
    for (const entry of entries) entry.sheet = sheet;
    let at = 0;
    try {
      const reader = await stream("/film/pictures/", { of: entries.map(({ key }) => key).join(",") }, { priority, signal: sheet.controller.signal });
      for await (const bytes of pieces(reader)) this.#settle(entries[at++], bytes);
    } catch {
      // Each of those that have not come says so itself.
    }
    for (const entry of entries.slice(at)) this.#settle(entry, new Uint8Array(0));
  }

  async #settle(entry, bytes) {
    const isThere = await entry.take(bytes);
    if (!isThere) this.#forget(entry);
    entry.settle(isThere);
  }
}

const keyOf = (id, slot) => `${id}-${slot}`;
