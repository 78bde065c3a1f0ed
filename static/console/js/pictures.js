// Pictures fetched and decoded ahead, so that turning to the next one waits for nothing.

const MOST_KEPT = 160;
// A browser opens six connections to a host: the picture that is waited for must find one free.
const MOST_AHEAD = 4;

export class Pictures {
  constructor(mostKept = MOST_KEPT) {
    this.mostKept = mostKept;
    this.entries = new Map();
    this.ahead = [];
    this.running = 0;
  }

  // { url, image, isReady, done }: `done` says whether there is a picture.
  want(url, priority = "high") {
    const kept = this.entries.get(url);
    if (kept) {
      this.entries.delete(url);
      this.entries.set(url, kept);
      return kept;
    }
    const entry = { url, image: new Image(), isReady: false };
    entry.image.fetchPriority = priority;
    entry.image.draggable = false;
    entry.image.src = url;
    entry.done = entry.image.decode().then(
      () => (entry.isReady = true),
      () => this.#isGone(entry),
    );
    this.entries.set(url, entry);
    const [oldest] = this.entries.keys();
    if (this.entries.size > this.mostKept) this.entries.delete(oldest);
    return entry;
  }

  // No longer waited for: its connection is free for another.
  drop(entry) {
    if (entry.isReady) return;
    this.entries.delete(entry.url);
    entry.image.src = "";
  }

  // These next, the nearest first; what was asked for before and has not begun is forgotten.
  prepare(urls) {
    this.ahead = urls.filter((url) => !this.entries.has(url));
    while (this.running < MOST_AHEAD && this.ahead.length) this.#next();
  }

  // Another may have been asked for under the same address meanwhile.
  #isGone(entry) {
    if (this.entries.get(entry.url) === entry) this.entries.delete(entry.url);
    return false;
  }

  async #next() {
    this.running += 1;
    await this.want(this.ahead.shift(), "low").done;
    this.running -= 1;
    if (this.ahead.length) this.#next();
  }
}
