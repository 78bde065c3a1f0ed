// Left column: the lazy tree, the search, the chips. Rows come from the server; here they only get life.

import { byId, h } from "./dom.js";

const FEW_CAMERAS = 60;

// A row as far as it knows its camera; the card comes with the play address.
export function cardOfRow(row) {
  const { cameraId, cameraNum, road, stake, place, state } = row.dataset;
  const [direction, ...rest] = place.split(" ");
  return { id: Number(cameraId), number: cameraNum, name: row.title, road, stake, direction, place: rest.join(" "), state, since: null, reason: "", picture: null };
}

// Events: "choose" (card of the camera to put up), "cleared" (the tree is back in place of results).
export class Left extends EventTarget {
  constructor(key) {
    super();
    this.key = key;
    this.tree = byId("tree");
    this.results = byId("results");
    this.input = byId("search-input");
    this.marks = new Map();
    this.selectedId = null;
    this.revealing = null;
    for (const list of [this.tree, this.results]) {
      list.addEventListener("click", (event) => this.#onClick(event));
      list.addEventListener("dragstart", (event) => this.#onDrag(event));
    }
    this.tree.addEventListener("keydown", (event) => this.#onTreeKey(event));
    this.#listenSearch();
    if (key) this.#remember();
    document.body.addEventListener("htmx:afterSettle", (event) => this.#onSwap(event.target));
  }

  #onClick(event) {
    const node = event.target.closest(".node-row");
    if (node) return this.#toggle(node.parentElement);
    const row = event.target.closest(".camera");
    return row ? this.#choose(row) : undefined;
  }

  #choose(row) {
    this.dispatchEvent(new CustomEvent("choose", { detail: cardOfRow(row) }));
  }

  #onDrag(event) {
    const row = event.target.closest?.(".camera");
    if (row) event.dataTransfer.setData("text/x-camera", JSON.stringify(cardOfRow(row)));
  }

  #toggle(node, isOpen = node.getAttribute("aria-expanded") !== "true") {
    node.setAttribute("aria-expanded", String(isOpen));
    node.querySelector(":scope > .children").hidden = !isOpen;
    if (isOpen) htmx.trigger(node.querySelector(":scope > .node-row"), "unfold");
  }

  #onTreeKey(event) {
    const row = event.target.closest(".row");
    if (!row) return;
    const rows = [...this.tree.querySelectorAll(".row")].filter((one) => one.offsetParent);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const node = row.classList.contains("node-row") ? row.parentElement : null;
    if (step) rows[rows.indexOf(row) + step]?.focus();
    else if (event.key === "ArrowRight" && node) this.#toggle(node, true);
    else if (event.key === "ArrowLeft" && node) this.#toggle(node, false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // A filter that leaves little shows it without a click.
  #isShortFilter() {
    if (!byId("chips").querySelector("[name=state]:checked")) return false;
    const counts = [...this.tree.querySelectorAll(":scope > .node > .node-row .node-count")];
    return counts.reduce((sum, count) => sum + Number(count.textContent), 0) <= FEW_CAMERAS;
  }

  // Unfolds the way to a camera, level by level as the branches arrive; of another tree, once that is there.
  reveal(card, isComing = false) {
    this.revealing = { ids: new Set([...(card.path ?? []).map(String), card.road]), camera: card.id };
    if (!isComing && !this.tree.querySelector(":scope > .htmx-request")) this.#unfoldOn(this.tree);
  }

  #unfoldOn(place) {
    if (!this.revealing) return;
    const { ids, camera } = this.revealing;
    const row = place.querySelector(`.camera[data-camera-id="${camera}"]`);
    const node = [...place.querySelectorAll(":scope > .node")].find((one) => ids.has(one.firstElementChild.dataset.node));
    if (row) {
      for (let above = row.closest(".node"); above; above = above.parentElement.closest(".node")) this.#toggle(above, true);
      row.scrollIntoView({ block: "center" });
      this.revealing = null;
    } else if (node) {
      this.#toggle(node, true);
      const children = node.querySelector(":scope > .children");
      // Unfolded before, it brings nothing new that would lead on.
      if (children.childElementCount) this.#unfoldOn(children);
    }
  }

  // Before htmx asks for the tree: which of the two somebody looks at.
  #remember() {
    const kept = localStorage.getItem(this.key);
    for (const choice of byId("chips").querySelectorAll("[name=by]")) {
      if (kept !== null) choice.checked = choice.value === kept;
      choice.addEventListener("change", () => localStorage.setItem(this.key, choice.value));
    }
  }

  // Search --------------------------------------------------------------------------------------

  #listenSearch() {
    byId("search").addEventListener("submit", (event) => event.preventDefault());
    byId("search-clear").addEventListener("click", () => {
      this.#clearSearch();
      this.input.focus();
    });
    this.input.addEventListener("input", () => this.#onInput());
    this.input.addEventListener("keydown", (event) => this.#onSearchKey(event));
    byId("chips").addEventListener("change", ({ target }) => {
      // Who asks for the other tree wants to see it.
      if (target.name === "by") this.#clearSearch();
      else if (this.input.value.trim()) htmx.trigger(this.input, "search-again");
    });
  }

  focusSearch() {
    this.input.focus();
    this.input.select();
  }

  #onInput() {
    const isSearching = Boolean(this.input.value.trim());
    const isOver = !isSearching && !this.results.hidden;
    byId("search-clear").hidden = !isSearching;
    this.results.hidden = !isSearching;
    this.tree.hidden = isSearching;
    this.wantsFirst = false;
    if (isOver) this.dispatchEvent(new Event("cleared"));
  }

  #clearSearch() {
    this.input.value = "";
    this.#onInput();
    this.results.replaceChildren();
  }

  #onSearchKey(event) {
    const rows = [...this.results.querySelectorAll(".camera")];
    const at = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && rows.length) this.#pick(rows, Math.min(rows.length - 1, Math.max(0, at + step)));
    else if (event.key === "Enter") this.#enter(rows[at]);
    else if (event.key === "Escape" && this.input.value) this.#clearSearch();
    else if (event.key === "Escape") this.input.blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #pick(rows, index) {
    rows.forEach((row, at) => row.setAttribute("aria-selected", String(at === index)));
    rows[index].scrollIntoView({ block: "nearest" });
  }

  // Enter may be faster than the answer: then the first result goes up when it arrives.
  #enter(row) {
    const shown = this.results.querySelector(".results-head")?.dataset.query;
    if (shown === this.input.value.trim()) {
      if (row) this.#chooseAndLeave(row);
    } else {
      this.wantsFirst = Boolean(this.input.value.trim());
    }
  }

  // The keys that follow mean the picture.
  #chooseAndLeave(row) {
    this.#choose(row);
    this.input.blur();
  }

  // After parts arrived -----------------------------------------------------------------------------

  #onSwap(target) {
    if (target === this.results && this.wantsFirst) {
      this.wantsFirst = false;
      const first = this.results.querySelector(".camera");
      if (first) this.#chooseAndLeave(first);
    }
    if (this.tree.contains(target)) {
      const nodes = target.querySelectorAll(":scope > .node");
      if (nodes.length === 1 || this.#isShortFilter()) nodes.forEach((node) => this.#toggle(node, true));
      this.#unfoldOn(target);
      const first = this.tree.querySelector(".row");
      if (first) first.tabIndex = 0;
    }
    this.#paint(target);
  }

  // Organisations whose counts are on the screen; roads are few and told all at once.
  nodeIds() {
    const nodes = [...this.tree.querySelectorAll(".node-row")].map((row) => row.dataset.node);
    return nodes.filter((node) => /^\d+$/.test(node)).slice(0, 200);
  }

  get isByRoad() {
    return Boolean(byId("chips").querySelector("[name=by][value=road]:checked"));
  }

  // Numbers of the tiles beside the rows, and which row is the selected camera.
  setMarks(marks, selectedId) {
    this.marks = marks;
    this.selectedId = selectedId;
    this.#paint(this.tree);
    this.#paint(this.results);
  }

  #paint(place) {
    for (const row of place.querySelectorAll(".camera")) {
      const id = Number(row.dataset.cameraId);
      const number = this.marks.get(id);
      const badge = row.querySelector(".badge");
      row.classList.toggle("is-chosen", id === this.selectedId);
      if (!number) badge?.remove();
      else if (!badge) row.append(h("span", { class: "badge" }, String(number)));
      else if (badge.textContent !== String(number)) badge.textContent = String(number);
    }
  }

  showChanges({ changes, nodes, is_cut: isCut }) {
    for (const [id, state] of changes) {
      for (const row of document.querySelectorAll(`.camera[data-camera-id="${id}"]`)) {
        if (row.dataset.state === state) continue;
        row.dataset.state = state;
        row.querySelector(".state").dataset.state = state;
        row.classList.remove("is-changed");
        void row.offsetWidth; // restarts the animation
        row.classList.add("is-changed");
      }
    }
    const isFiltered = byId("chips").querySelector("[name=state]:checked");
    for (const [id, [online, total]] of Object.entries(isFiltered ? {} : nodes)) this.#showCount(id, online, total);
    if (isCut) htmx.trigger(byId("chips"), "change");
  }

  #showCount(id, online, total) {
    const row = this.tree.querySelector(`.node-row[data-node="${id}"]`);
    if (!row) return;
    const percent = total ? Math.round((100 * online) / total) : 0;
    row.querySelector('[data-count="online"]').textContent = online;
    row.querySelector('[data-count="total"]').textContent = total;
    row.querySelector(".node-bar-fill").setAttribute("width", percent);
    row.querySelector(".node-bar").dataset.weak = String(percent < Number(this.tree.dataset.weak));
  }
}
