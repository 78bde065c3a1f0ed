// Presets: which cameras stand where, kept under a name, put up again by one click.

import { get, post } from "./api.js";
import { byId, h, toast } from "./dom.js";
import { Menu } from "./menu.js";

// Calls onChoose(preset) when one is to go up.
export class Presets {
  constructor(wall, onChoose) {
    this.wall = wall;
    this.onChoose = onChoose;
    this.list = [];
    this.menu = new Menu(byId("presets-open"), byId("presets"), { onOpen: () => this.#opened() });
    byId("preset-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    byId("preset-list").addEventListener("click", (event) => this.#onClick(event));
  }

  async load() {
    const { presets } = await get("/presets/");
    this.list = presets;
    return presets;
  }

  // The nth of the list, from 1, as Alt and a digit put it up.
  async chooseNth(number) {
    try {
      if (!this.list.length) await this.load();
    } catch (error) {
      toast(error.message);
      return;
    }
    const preset = this.list[number - 1];
    if (preset) this.onChoose(preset);
    else toast(`没有第 ${number} 个预案`);
  }

  async #opened() {
    const name = byId("preset-name");
    name.value = this.#suggestion();
    name.select();
    byId("preset-save").disabled = !this.wall.marks().size;
    try {
      await this.load();
      this.#show();
    } catch (error) {
      toast(error.message);
    }
  }

  // The road most of them stand on, and how many; free of what is taken.
  #suggestion() {
    const roads = this.wall.tiles.map((tile) => tile.card?.road).filter(Boolean);
    const most = roads.sort((one, other) => roads.filter((road) => road === other).length - roads.filter((road) => road === one).length)[0];
    return most ? `${most} ${this.wall.layout} 画面` : "";
  }

  async #save() {
    const { wall } = this;
    const cameras = wall.tiles.map((tile) => tile.card?.id ?? 0);
    const name = byId("preset-name").value;
    try {
      await post("/presets/", { name, layout: wall.layout, cameras, is_shared: byId("preset-shared").checked });
      this.menu.close();
      toast(`已保存预案“${name.trim()}”`);
      await this.load();
    } catch (error) {
      toast(error.message);
    }
  }

  async #onClick(event) {
    const row = event.target.closest("[data-preset]");
    const preset = this.list.find(({ id }) => id === Number(row?.dataset.preset));
    if (!preset) return;
    if (!event.target.closest(".preset-remove")) {
      this.menu.close();
      this.onChoose(preset);
      return;
    }
    try {
      await post(`/presets/${preset.id}/remove/`, {});
      await this.load();
      this.#show();
      toast(`已删除预案“${preset.name}”`);
    } catch (error) {
      toast(error.message);
    }
  }

  #show() {
    const rows = this.list.map((preset, index) => this.#row(preset, index));
    byId("preset-list").replaceChildren(...(rows.length ? rows : [h("li", { class: "nothing" }, "还没有预案")]));
  }

  #row(preset, index) {
    const remove = preset.owner ? null : h("button", { class: "preset-remove", type: "button", "aria-label": `删除预案 ${preset.name}`, title: "删除" }, "×");
    const about = preset.owner ? `${preset.owner} 共用` : preset.is_shared ? "共用" : "";
    return h(
      "li",
      { dataset: { preset: preset.id } },
      h("button", { class: "row", type: "button", "data-testid": "preset" }, h("span", {}, preset.name), h("span", { class: "quiet" }, about), h("span", { class: "mono quiet" }, String(preset.layout)), index < 9 ? h("kbd", {}, `Alt ${index + 1}`) : null),
      remove,
    );
  }
}
