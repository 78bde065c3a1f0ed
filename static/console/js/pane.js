// One of the two times: its picture, or why there is none.

import { h, setText } from "./dom.js";
import { clock } from "./words.js";

export class Pane {
  constructor(element, pictures) {
    this.element = element;
    this.pictures = pictures;
    this.face = element.querySelector(".pane-face");
    this.slot = null;
    this.shows = 0;
  }

  #part(name) {
    return this.element.querySelector(`.pane-${name}`);
  }

  // Of another camera from here on: nothing of this one may appear any more.
  clear() {
    this.slot = null;
    this.shows += 1;
    this.element.dataset.state = "loading";
  }

  // Event "shown" on the element when the picture of this very slot is there.
  show(slots, slot) {
    this.slot = slot;
    this.shows += 1;
    this.element.dataset.slot = slot;
    setText(this.#part("time"), slots.words(slot));
    const taken = slots.taken(slot);
    setText(this.#part("taken"), taken ? `摄于 ${clock(taken)}` : "");
    const wrong = slots.wrong(slot);
    this.#part("quality").hidden = !wrong;
    setText(this.#part("quality").lastElementChild, wrong);
    if (slots.isPicture(slot)) this.#showPicture(slots, slot);
    else this.#showGap("此时段没有截图", slots.reason(slot));
  }

  async #showPicture(slots, slot) {
    const asked = this.shows;
    const entry = this.pictures.want(slots.url(slot));
    if (!entry.isReady) {
      // A picture of another time, or of another camera at the same time, must not pass for this one.
      this.element.dataset.state = "loading";
      const isThere = await entry.done;
      if (this.shows !== asked) return;
      if (!isThere) {
        this.#showGap("截图没有取到", "图片文件缺失，或与平台的连接中断");
        return;
      }
    }
    const isElsewhere = entry.image.isConnected && entry.image.parentElement !== this.face;
    const image = isElsewhere ? entry.image.cloneNode() : entry.image;
    image.alt = `${slots.words(slot)} 截图`;
    if (image.parentElement !== this.face) this.face.replaceChildren(image);
    this.element.dataset.state = "picture";
    this.element.dispatchEvent(new CustomEvent("shown", { detail: slot }));
  }

  #showGap(words, reason) {
    this.element.dataset.state = "gap";
    this.face.replaceChildren(h("p", { class: "pane-gap", "data-testid": "pane-gap" }, words, h("br"), reason));
    this.element.dispatchEvent(new CustomEvent("shown", { detail: this.slot }));
  }

  showApart(words) {
    setText(this.#part("apart"), words);
  }
}
