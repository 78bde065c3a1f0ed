// One snapshot large over the page, with the one before and the one after.

import { byId, h, setText, shield } from "./dom.js";
import { clock, isoDay, minute } from "./words.js";

export class Viewer {
  constructor() {
    this.dialog = byId("viewer");
    this.slots = [];
    byId("viewer-close").addEventListener("click", () => this.dialog.close());
    byId("viewer-previous").addEventListener("click", () => this.#turn(-1));
    byId("viewer-next").addEventListener("click", () => this.#turn(1));
    byId("viewer-day").addEventListener("click", (event) => event.target.dataset.at && this.#show(Number(event.target.dataset.at)));
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1 };
      if (!this.dialog.open) return;
      event.stopPropagation();
      if (!(event.key in steps)) return;
      event.preventDefault();
      this.#turn(steps[event.key]);
    });
  }

  open(card, slots, at, onTurn) {
    this.slots = slots;
    this.onTurn = onTurn;
    this.card = card;
    shield(byId("viewer-shield"), card.road);
    setText(byId("viewer-stake"), card.stake);
    setText(byId("viewer-place"), `${card.direction} · ${card.name}`);
    byId("viewer-day").replaceChildren(...slots.map((slot, index) => h("li", { class: slot.url ? "" : "is-gap", "data-at": index, title: slot.url ? minute(slot.slot) : `${minute(slot.slot)} 缺失：${slot.reason}` })));
    if (!this.dialog.open) this.dialog.showModal();
    this.#show(at);
  }

  #turn(step) {
    const next = this.at + step;
    if (this.slots[next]) this.#show(next);
  }

  #show(at) {
    this.at = at;
    const { slot, taken_at: takenAt, url, reason } = this.slots[at];
    const picture = byId("viewer-picture");
    const gap = byId("viewer-gap");
    const save = byId("viewer-save");
    picture.hidden = save.hidden = !url;
    gap.hidden = Boolean(url);
    if (url) {
      picture.src = url;
      picture.alt = `${this.card.name} ${minute(slot)} 截图`;
      save.href = url;
      save.download = `${this.card.road}_${this.card.stake}_${isoDay(slot)}_${minute(slot).replace(":", "")}.jpg`;
    } else {
      gap.replaceChildren("此时段没有截图", h("br"), reason);
    }
    setText(byId("viewer-time"), `${isoDay(slot)} ${minute(slot)}`);
    setText(byId("viewer-taken"), takenAt ? `摄于 ${clock(takenAt)}` : "");
    byId("viewer-previous").disabled = at === 0;
    byId("viewer-next").disabled = at === this.slots.length - 1;
    [...byId("viewer-day").children].forEach((item, index) => item.classList.toggle("is-chosen", index === at));
    for (const near of [at - 1, at + 1]) if (this.slots[near]?.url) new Image().src = this.slots[near].url;
    this.onTurn(at);
  }
}
