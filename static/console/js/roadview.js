// Geometry of the road strip: which stretch is seen, where a stake lies, where labels fit.

const SHORTEST_M = 4_000;
const LONGEST_M = 160_000;
const FIRST_M = 32_000;
const STEPS_M = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000];
const LABEL_PX = 88;

const FULL = { overview: [7, 9], section: [24, 18], place: [49, 19], flag: 72, up: [76, 30], median: [106, 5], down: [111, 25], axis: 136, label: 159, plate: 146, below: 138 };
const COMPACT = { overview: [4, 6], section: [13, 15], place: [30, 16], flag: 47, up: [51, 20], median: [71, 4], down: [75, 20], axis: 95, label: 113, plate: 105, below: 97 };

export class RoadView {
  constructor() {
    this.resize(1000, 176);
    this.setExtent(0, FIRST_M);
  }

  resize(width, height) {
    this.width = width;
    this.rows = height >= 160 ? FULL : COMPACT;
  }

  // The whole road, from its first to its last camera.
  setExtent(first, last) {
    // Room for the signs of direction at both ends.
    const margin = Math.max(500, Math.min(FIRST_M, last - first) * 0.12);
    this.first = first - margin;
    this.last = last + margin;
    const span = Math.min(FIRST_M, Math.max(SHORTEST_M, this.last - this.first));
    this.from = this.first;
    this.to = this.first + span;
  }

  get span() {
    return this.to - this.from;
  }

  x(metres) {
    return ((metres - this.from) / this.span) * this.width;
  }

  metres(x) {
    return this.from + (x / this.width) * this.span;
  }

  overviewX(metres) {
    return ((metres - this.first) / (this.last - this.first)) * this.width;
  }

  overviewMetres(x) {
    return this.first + (x / this.width) * (this.last - this.first);
  }

  sees(metres, margin = 0) {
    return metres >= this.from + margin && metres <= this.to - margin;
  }

  moveTo(from) {
    const { span } = this;
    const furthest = Math.max(this.first, this.last - span);
    this.from = Math.min(furthest, Math.max(this.first, from));
    this.to = this.from + span;
  }

  centre(metres) {
    this.moveTo(metres - this.span / 2);
  }

  // Zooms around a point that stays under the pointer.
  zoom(factor, x) {
    const point = this.metres(x);
    const longest = Math.min(LONGEST_M, Math.max(SHORTEST_M, this.last - this.first));
    const span = Math.min(longest, Math.max(SHORTEST_M, this.span * factor));
    const from = point - (x / this.width) * span;
    this.to = this.from + span;
    this.moveTo(from);
  }

  // Stakes on the axis: metres and whether they are labelled.
  ticks() {
    const step = STEPS_M.find((one) => (one / this.span) * this.width >= LABEL_PX) ?? STEPS_M.at(-1);
    const ticks = [];
    for (let at = Math.ceil(this.from / (step / 2)) * (step / 2); at <= this.to; at += step / 2) {
      ticks.push({ at, isLabelled: at % step === 0, isRound: at % (step * 2) === 0 });
    }
    return ticks;
  }
}

export const stakeWords = (metres) => (metres % 1000 ? `K${Math.floor(metres / 1000)}+${String(metres % 1000).padStart(3, "0")}` : `K${metres / 1000}`);

// Chinese letters are square, others about half as wide.
export const wordsWidth = (words, size = 12) => [...words].reduce((sum, letter) => sum + (letter.charCodeAt(0) > 255 ? size : size * 0.58), 0);

// Left edges for boxes of `width` that want to stand at `wanted` (ascending) and must not overlap.
export function spread(wanted, width, from, to) {
  const placed = [];
  for (const at of wanted) placed.push(Math.max(at, (placed.at(-1) ?? from - width) + width));
  for (let index = placed.length - 1, limit = to - width; index >= 0; index -= 1, limit = placed[index + 1] - width) {
    placed[index] = Math.min(placed[index], limit);
  }
  return placed;
}
