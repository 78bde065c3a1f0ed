// Snapshot strip of the selected camera: its last hours, gaps with their reason.

import { get } from "./api.js";
import { byId, h, setText } from "./dom.js";
import { minute, nowSeconds } from "./words.js";

const REFRESH_MS = 30_000;
const QUARTER = 900;

export class Strip {
  constructor(viewer) {
    this.viewer = viewer;
    this.card = null;
    this.slots = [];
    // Not there for who may not look at pictures.
    this.link = byId("strip-all");
    this.list = byId("strip-pictures");
    this.list.addEventListener("click", (event) => {
      const item = event.target.closest("li");
      if (item) this.open(Number(item.dataset.at));
    });
    this.list.addEventListener("wheel", (event) => {
      if (!event.deltaY) return;
      event.preventDefault();
      this.list.scrollLeft += event.deltaY;
    }, { passive: false });
    setInterval(() => !document.hidden && this.#load(), REFRESH_MS);
  }

  show(card) {
    if (!this.link || card?.id === this.card?.id) return;
    this.card = card;
    this.slots = [];
    this.list.replaceChildren();
    setText(byId("strip-count"), "\u00a0");
    this.link.search = card ? `?camera=${card.id}` : "";
    this.#empty(card ? "" : "选中一路画面，这里显示它最近的截图");
    this.#load();
  }

  #empty(words) {
    byId("strip-empty").hidden = !words;
    this.list.hidden = Boolean(words);
    setText(byId("strip-empty"), words);
  }

  async #load() {
    const { card } = this;
    if (!card) return;
    try {
      const strip = await get(`/cameras/${card.id}/strip/`);
      if (card.id !== this.card?.id) return;
      this.#paint(strip);
    } catch (error) {
      if (card.id === this.card?.id && !this.slots.length) this.#empty(error.message);
    }
  }

  #paint({ slots, taken, total }) {
    setText(byId("strip-count"), `今日 ${taken}/${total} 张`);
    const isSame = slots.length && this.slots.length && slots.at(-1).slot === this.slots.at(-1).slot && slots.at(-1).url === this.slots.at(-1).url;
    this.slots = slots;
    if (isSame) return;
    const place = this.#place();
    this.#empty(slots.length ? "" : "还没有截图，每到整 5 分钟取一张");
    this.list.replaceChildren(...slots.map((slot, at) => this.#item(slot, at)));
    // The newest picture, which may stand before a gap.
    this.newest = slots.findLast((slot) => slot.url)?.slot;
    this.#choose(place.chosen ?? this.newest);
    const edge = this.#itemOf(place.edge);
    if (edge) this.list.scrollLeft += leftOf(edge) - leftOf(this.list) + place.shift;
    else this.list.scrollLeft = this.list.scrollWidth;
  }

  // Where somebody looks back to: the slot at the left edge and the picture chosen; nothing at the newest.
  #place() {
    const { list } = this;
    const slotOf = (item) => Number(item?.dataset.slot) || null;
    const chosen = slotOf(list.querySelector(".is-chosen"));
    const place = { chosen: chosen === this.newest ? null : chosen };
    if (list.scrollLeft + list.clientWidth >= list.scrollWidth - 2) return place;
    const edge = [...list.children].find((item) => item.getBoundingClientRect().right > leftOf(list));
    return { ...place, edge: slotOf(edge), shift: leftOf(list) - leftOf(edge) };
  }

  #itemOf(slot) {
    return [...this.list.children].find((item) => Number(item.dataset.slot) === slot);
  }

  #choose(slot) {
    for (const item of this.list.children) item.classList.toggle("is-chosen", Number(item.dataset.slot) === slot);
    return this.#itemOf(slot);
  }

  #item(slot, at) {
    const time = minute(slot.slot);
    const face = slot.url
      ? h("img", { src: slot.url, alt: `${time} 截图`, loading: "lazy", decoding: "async", draggable: "false" })
      : h("span", {}, "缺失", h("br"), slot.reason);
    const words = slot.url ? `${time} 截图` : `${time} 缺失：${slot.reason}`;
    const button = h("button", { type: "button", title: words, "aria-label": words, "data-testid": slot.url ? "strip-picture" : "strip-gap" }, face);
    const kinds = [slot.url ? "" : "is-gap", slot.slot % QUARTER === 0 ? "is-quarter" : ""].join(" ").trim();
    return h("li", { class: kinds, "data-at": at, "data-slot": slot.slot }, button, time);
  }

  open(at) {
    const { slots } = this;
    // By slot: the row goes on while the viewer is open.
    this.viewer.open(this.card, slots, at, (chosen) => {
      this.#choose(slots[chosen].slot)?.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
  }

  // The newest picture there is, for a tile that is offline.
  async openNewest() {
    if (!this.slots.length) await this.#load();
    const at = this.slots.findLastIndex((slot) => slot.url);
    if (at >= 0) this.open(at);
    else if (this.card?.picture) {
      const slot = Number(/(\d+)\.jpg/.exec(this.card.picture.url)?.[1] ?? nowSeconds());
      this.viewer.open(this.card, [{ slot, taken_at: this.card.picture.at, url: this.card.picture.url, reason: "" }], 0, () => {});
    }
  }
}

const leftOf = (element) => element.getBoundingClientRect().left;
