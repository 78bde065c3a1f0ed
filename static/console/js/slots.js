// The slots of one camera as far as they are loaded: which have a picture, why others have none.

import { get } from "./api.js";
import { clock, isoDay, minute } from "./words.js";

const DAY_SECONDS = 86_400;
const PICTURES = "pb";
const SHORTLY_SECONDS = 600;

export class Slots {
  constructor(cameraId) {
    this.cameraId = cameraId;
    this.days = [];
    this.asked = 0;
  }

  // The week that ends with the day of `until` (unix seconds); nothing: today.
  async load(until = null) {
    const asked = ++this.asked;
    const found = await get(`/cameras/${this.cameraId}/days/`, { until: until === null ? "" : isoDay(until) });
    // A later question has been asked meanwhile.
    if (asked !== this.asked) return false;
    this.card = found.camera;
    this.now = found.now;
    this.period = found.period;
    this.reasons = found.reasons;
    this.missed = found.missed;
    this.quality = found.quality;
    this.days = found.days;
    this.oldest = beginOf(found.oldest);
    this.kept = beginOf(found.kept);
    return true;
  }

  get present() {
    return this.snap(this.now);
  }

  get isUpToNow() {
    return isoDay(this.now) === this.days.at(-1)?.day;
  }

  snap(unix) {
    return Math.floor(unix / this.period) * this.period;
  }

  clamp(slot) {
    return Math.min(Math.max(slot, this.oldest), this.present);
  }

  dayOf(slot) {
    return this.days.find(({ first }) => first <= slot && slot < first + DAY_SECONDS);
  }

  // A day on which a week may end that has this slot in it.
  weekEnd(slot) {
    const last = this.days.at(-1)?.first ?? slot;
    return slot < last ? slot : Math.min(this.now, slot + 6 * DAY_SECONDS);
  }

  letter(slot) {
    const day = this.dayOf(slot);
    return day?.slots[(slot - day.first) / this.period] ?? "-";
  }

  // Was to come and did not: not one that is not over, nor one before the camera was there.
  isGap(slot) {
    const letter = this.letter(slot);
    return letter !== "-" && !PICTURES.includes(letter);
  }

  isPicture(slot) {
    return PICTURES.includes(this.letter(slot));
  }

  url(slot) {
    return `/snapshots/${this.cameraId}/${slot}.jpg`;
  }

  // Seconds when it was taken, or null.
  taken(slot) {
    const day = this.dayOf(slot);
    const after = day?.taken[(slot - day.first) / this.period] ?? null;
    return after === null ? null : slot + after;
  }

  reason(slot) {
    const letter = this.letter(slot);
    if (letter === "-") return slot > this.present ? "未到" : slot === this.present ? "本时段还没有截图" : slot < this.kept ? "截图已过保留期" : "当时不在台账中";
    const words = this.reasons[letter] ?? "";
    return this.missed.includes(letter) ? `${words}（平台原因，不计入在线率）` : words;
  }

  // What was wrong with the picture at the end of its slot; empty when nothing was.
  wrong(slot) {
    return this.letter(slot) === "b" ? (this.quality.findLast(([since]) => since === null || since <= slot + this.period)?.[1] ?? "") : "";
  }

  time(slot) {
    return this.period < 60 ? clock(slot) : minute(slot);
  }

  words(slot) {
    return `${isoDay(slot)} ${this.time(slot)}`;
  }

  // The nearest picture from `slot` on in one direction, within what is loaded.
  nextPicture(slot, step) {
    for (let at = slot + step * this.period; this.dayOf(at) && at <= this.present; at += step * this.period) {
      if (this.isPicture(at)) return at;
    }
    return null;
  }

  // What to compare the picture at `slot` with, and why that: within what is loaded.
  beside(slot) {
    const dayBefore = slot - DAY_SECONDS;
    if (this.isPicture(dayBefore)) return { at: dayBefore, words: "" };
    const earlier = slot - Math.max(this.period, SHORTLY_SECONDS - (SHORTLY_SECONDS % this.period));
    if (this.isPicture(earlier)) return { at: earlier, words: "前一天无图" };
    const near = [-1, 1].map((step) => this.nextPicture(slot, step)).filter((at) => at !== null);
    if (!near.length) return { at: dayBefore, words: "没有别的截图可以对比" };
    const [at] = near.sort((one, other) => Math.abs(one - slot) - Math.abs(other - slot));
    return { at, words: "前一天无图，取最近一张" };
  }

  newestPicture() {
    const present = this.present;
    return this.isPicture(present) ? present : this.nextPicture(present, -1);
  }
}

const beginOf = (day) => Date.parse(`${day}T00:00:00+08:00`) / 1000;
