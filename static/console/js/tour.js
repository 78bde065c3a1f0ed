// 轮巡: page after page of a road, of an organisation, or of the presets, each for as long as somebody wants.

import { get } from "./api.js";
import { toast } from "./dom.js";

const TICK_MS = 250;
// The next page begins to play so long before its turn.
const LEAD_SECONDS = 3;
const AGAIN_SECONDS = 5;
export const SHORTEST_SECONDS = 5;
export const LONGEST_SECONDS = 300;

// Events: "change" (it began, turned, paused or ended; or a second passed).
export class Tour extends EventTarget {
  constructor({ wall, spares, setLayout, isHeld }) {
    super();
    Object.assign(this, { wall, spares, setLayout, isHeld });
    this.plan = null;
    this.isPaused = false;
  }

  get isRunning() {
    return Boolean(this.plan);
  }

  // While somebody works with a tile it waits.
  get isWaiting() {
    return this.isPaused || document.hidden || this.isHeld();
  }

  get count() {
    const { ids, presets } = this.plan;
    return presets ? presets.length : Math.max(1, Math.ceil(ids.length / this.wall.layout));
  }

  // `plan`: {road} or {organisation} or {} for all cameras, or {presets: [...]}.
  async start(plan, seconds) {
    this.stop();
    const run = (this.run = {});
    const filled = plan.presets ? { ...plan, name: "预案" } : { ...plan, ...(await get("/tour/", { road: plan.road ?? "", organisation: plan.organisation ?? "" })) };
    if (run !== this.run) return;
    if (!filled.presets?.length && !filled.ids?.length) throw new Error("没有在线的摄像机可以轮巡");
    this.plan = filled;
    this.seconds = Math.min(LONGEST_SECONDS, Math.max(SHORTEST_SECONDS, seconds));
    this.isPaused = false;
    this.wall.remembers = false;
    this.wall.select(null);
    this.timer = setInterval(() => this.#tick(), TICK_MS);
    await this.#show(0);
  }

  stop() {
    this.run = null;
    if (!this.plan) return;
    clearInterval(this.timer);
    this.plan = null;
    this.spares.clear();
    this.wall.remembers = true;
    this.#told();
  }

  pause(isPaused = !this.isPaused) {
    if (!this.plan) return;
    this.isPaused = isPaused;
    this.#told();
  }

  async turn(by) {
    if (!this.plan || this.isTurning) return;
    this.next = null;
    await this.#show(this.page + by);
  }

  #tick() {
    if (this.isTurning) return;
    if (this.isWaiting) return this.#told();
    this.left -= TICK_MS / 1000;
    if (this.left <= LEAD_SECONDS && !this.next && this.count > 1) this.next = this.#prepare(this.page + 1);
    if (this.left <= 0) this.#show(this.page + 1);
    return this.#told();
  }

  async #prepare(page) {
    const { run } = this;
    try {
      const cards = await this.#cards(page);
      if (run === this.run && this.plan) this.spares.prepare(cards.list);
      return cards;
    } catch {
      // Tried again when its turn comes.
      return null;
    }
  }

  async #show(page) {
    const { run } = this;
    this.isTurning = true;
    try {
      const cards = (await this.next) ?? (await this.#cards(page));
      if (run !== this.run) return;
      if (cards.layout !== this.wall.layout) this.setLayout(cards.layout);
      this.wall.arrange(cards.list, this.spares);
      this.page = cards.page;
      this.left = this.seconds;
    } catch (error) {
      if (run !== this.run) return;
      toast(`轮巡的下一页未取到：${error.message}`);
      this.page ??= 0;
      this.left = AGAIN_SECONDS;
    } finally {
      this.isTurning = false;
      this.next = null;
    }
    this.spares.clear();
    this.#told();
  }

  async #cards(wanted) {
    // A round is over: which cameras are online may have changed.
    if (wanted >= this.count && !this.plan.presets) await this.#renew();
    const { count, plan } = this;
    const page = ((wanted % count) + count) % count;
    const layout = plan.presets?.[page].layout ?? this.wall.layout;
    const ids = plan.presets ? plan.presets[page].cameras : plan.ids.slice(page * layout, (page + 1) * layout);
    const { cards } = await get("/cameras/", { ids: ids.filter(Boolean).join(",") });
    const byCamera = new Map(cards.map((card) => [card.id, card]));
    return { page, layout, list: ids.map((id) => byCamera.get(id) ?? null) };
  }

  async #renew() {
    const { road = "", organisation = "" } = this.plan;
    const { ids } = await get("/tour/", { road, organisation });
    if (ids.length && this.plan) this.plan = { ...this.plan, ids };
  }

  #told() {
    this.dispatchEvent(new CustomEvent("change"));
  }
}
