// What starts a tour, and the line in the tool bar that tells how it stands.

import { get } from "./api.js";
import { byId, h, setText, toast } from "./dom.js";
import { Menu } from "./menu.js";

const PRESETS = "presets";

export class TourBar {
  constructor(tour, presets, key) {
    this.tour = tour;
    this.presets = presets;
    this.key = key;
    this.menu = new Menu(byId("tour-open"), byId("tour"), { onOpen: () => this.#opened() });
    byId("tour-seconds").value = this.#kept().seconds;
    byId("tour-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.menu.close();
      this.#start(byId("tour-source").value, Number(byId("tour-seconds").value));
    });
    byId("tour-quick").addEventListener("click", ({ target }) => {
      if (target.dataset.seconds) byId("tour-seconds").value = target.dataset.seconds;
    });
    byId("tour-pause").addEventListener("click", () => tour.pause());
    byId("tour-back").addEventListener("click", () => tour.turn(-1));
    byId("tour-on").addEventListener("click", () => tour.turn(1));
    byId("tour-stop").addEventListener("click", () => tour.stop());
    tour.addEventListener("change", () => this.#show());
  }

  async #opened() {
    // Until what was chosen last can be chosen again.
    byId("tour-start").disabled = true;
    try {
      const [{ roads, organisations }] = await Promise.all([get("/places/"), this.presets.load()]);
      byId("tour-source").replaceChildren(
        h("option", { value: "" }, "全部摄像机"),
        ...(this.presets.list.length > 1 ? [h("option", { value: PRESETS }, `预案（${this.presets.list.length} 个）`)] : []),
        h("optgroup", { label: "路线" }, ...roads.map(([road, name, total]) => h("option", { value: `road:${road}` }, `${road} ${name}（${total}）`))),
        h("optgroup", { label: "单位" }, ...organisations.map(([id, name, depth, total]) => h("option", { value: `organisation:${id}` }, `${"　".repeat(depth)}${name}（${total}）`))),
      );
      byId("tour-source").value = this.#kept().source;
      if (byId("tour-source").selectedIndex < 0) byId("tour-source").selectedIndex = 0;
      byId("tour-source").focus();
    } catch (error) {
      toast(error.message);
    } finally {
      byId("tour-start").disabled = false;
    }
  }

  #kept() {
    try {
      return { source: "", seconds: 15, ...JSON.parse(localStorage.getItem(this.key) ?? "{}") };
    } catch {
      return { source: "", seconds: 15 };
    }
  }

  async #start(source, seconds) {
    localStorage.setItem(this.key, JSON.stringify({ source, seconds }));
    await this.begin(source, seconds);
  }

  // `source` as the list has it, or as an address of the kiosk names it.
  async begin(source, seconds) {
    const [kind, value] = source.split(":", 2);
    try {
      const plan = source === PRESETS ? { presets: await this.presets.load() } : source ? { [kind]: value } : {};
      await this.tour.start(plan, seconds || 15);
    } catch (error) {
      toast(error.message);
    }
  }

  #show() {
    const { tour } = this;
    const bar = byId("tour-bar");
    bar.hidden = !tour.isRunning;
    byId("tour-open").setAttribute("aria-pressed", String(tour.isRunning));
    if (!tour.isRunning) return;
    const { isHeld, isPaused } = { isHeld: tour.isHeld(), isPaused: tour.isPaused };
    const words = isPaused ? "已暂停" : isHeld ? "已选中画面，暂停" : `${Math.max(0, Math.ceil(tour.left ?? 0))} s`;
    const { plan } = tour;
    setText(byId("tour-words"), `${plan.presets ? plan.presets[tour.page ?? 0]?.name ?? "" : plan.name}`);
    setText(byId("tour-page"), `${(tour.page ?? 0) + 1}/${tour.count}`);
    setText(byId("tour-left"), words);
    bar.dataset.state = isPaused || isHeld ? "paused" : "running";
    byId("tour-pause").setAttribute("aria-pressed", String(isPaused));
    setText(byId("tour-pause"), isPaused ? "继续" : "暂停");
  }
}
