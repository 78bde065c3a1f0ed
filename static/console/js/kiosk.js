// 大屏: nothing but the pictures, for a screen that nobody sits at. `/?kiosk=1&tour=road:G25&seconds=20&layout=9`.

import { byId, setText, toast } from "./dom.js";
import { clock, nowSeconds } from "./words.js";

export class Kiosk {
  constructor(tour) {
    this.tour = tour;
    byId("kiosk").addEventListener("click", () => this.toggle());
    // The browser keeps the Esc that ends its full screen to itself.
    document.addEventListener("fullscreenchange", () => !document.fullscreenElement && this.isOn && this.toggle(false));
    setInterval(() => this.#tick(), 500);
  }

  get isOn() {
    return document.body.classList.contains("is-kiosk");
  }

  toggle(isOn = !this.isOn) {
    document.body.classList.toggle("is-kiosk", isOn);
    if (isOn) toast("大屏：按 Esc 退出");
    if (isOn) document.documentElement.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) document.exitFullscreen();
    this.#tick();
  }

  #tick() {
    if (!this.isOn) return;
    const { tour } = this;
    const words = tour.isRunning ? `${byId("tour-words").textContent} ${byId("tour-page").textContent}　` : "";
    setText(byId("kiosk-words"), `${words}${clock(nowSeconds())}`);
  }
}
