// What moves, every two seconds: counts, raw states, control. Whoever listens updates itself.

import { get } from "./api.js";
import { nowSeconds, setServerTime } from "./words.js";

const PERIOD_MS = 2000;
const NODES_EVERY = 5;

// Events: "state" (the answer), "broken" (since when, ms) while the platform does not answer.
export class Poll extends EventTarget {
  constructor(question) {
    super();
    this.question = question;
    this.round = 0;
    this.since = null;
    this.isActive = true;
    for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) {
      addEventListener(kind, () => (this.isActive = true), { passive: true });
    }
  }

  start() {
    this.#look();
  }

  // Right after something was done, not up to two seconds later.
  soon() {
    clearTimeout(this.timer);
    if (!this.isAsking) this.#look();
  }

  async #look() {
    this.isAsking = true;
    const { wall, selected, nodes, hasRoads } = this.question();
    const isActive = this.isActive;
    this.isActive = false;
    try {
      const state = await get("/state/", {
        wall: wall.join(","),
        selected,
        nodes: this.round % NODES_EVERY === 0 ? nodes.join(",") : "",
        roads: hasRoads && this.round % NODES_EVERY === 0 ? 1 : null,
        since: this.since,
        active: isActive ? 1 : null,
      });
      setServerTime(state.now);
      this.round += 1;
      this.since = state.now;
      this.brokenAt = null;
      this.dispatchEvent(new CustomEvent("state", { detail: state }));
    } catch (error) {
      this.isActive ||= isActive;
      this.brokenAt ??= nowSeconds();
      this.dispatchEvent(new CustomEvent("broken", { detail: { since: this.brokenAt, words: error.message } }));
    }
    this.isAsking = false;
    this.timer = setTimeout(() => this.#look(), PERIOD_MS);
  }
}
