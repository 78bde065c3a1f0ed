// The main screen put together: who tells whom.

import { get } from "./api.js";
import { byId, h, toast } from "./dom.js";
import { holder, leaveWithMouse } from "./focus.js";
import { onScreenKey } from "./keys.js";
import { Kiosk } from "./kiosk.js";
import { Left } from "./left.js";
import { Panel } from "./panel.js";
import { Poll } from "./poll.js";
import { Presets } from "./presets.js";
import { Pad } from "./ptz.js";
import { RoadStrip } from "./road.js";
import { showRunning } from "./running.js";
import { Spares } from "./spares.js";
import { Strip } from "./strip.js";
import { runClock, showBroken, showState } from "./topbar.js";
import { Tour } from "./tour.js";
import { TourBar } from "./tourbar.js";
import { Viewer } from "./viewer.js";
import { Wall } from "./wall.js";
import { nowSeconds, stamp } from "./words.js";

const USER = document.body.dataset.user;

const wall = new Wall(byId("wall"), `wall-${USER}`);
const left = new Left(`tree-${USER}`);
const panel = new Panel();
const viewer = new Viewer();
const strip = new Strip(viewer);
const road = new RoadStrip(byId("road-strip"));
const spares = new Spares(byId("spares"), wall);
const tour = new Tour({ wall, spares, setLayout, isHeld: () => Boolean(wall.selected) || viewer.dialog.open });
const presets = new Presets(wall, putUp);
const tourBar = new TourBar(tour, presets, `tour-${USER}`);
const kiosk = new Kiosk(tour);
const pad = new Pad({ onAnswer: onPtzAnswer, onStep: (step) => wall.showStep(step) });
const poll = new Poll(() => ({
  wall: [...wall.marks().keys()],
  selected: wall.selected?.card?.id ?? null,
  nodes: left.nodeIds(),
  hasRoads: left.isByRoad,
}));

// Selection -----------------------------------------------------------------------------------------

wall.addEventListener("select", ({ detail }) => {
  const card = detail.tile?.card ?? null;
  const isTurnable = Boolean(card?.can_ptz && card?.may_ptz);
  panel.show(card);
  pad.control(isTurnable ? card : null);
  strip.show(card);
  road.select(card);
  showTools();
  showMarks();
  if (card) sessionStorage.setItem("looked-at", card.id);
  if (card && !detail.isSame) poll.soon();
});
wall.addEventListener("change", () => {
  byId("clear").disabled = wall.marks().size === 0;
  showMarks();
});
wall.addEventListener("tile", ({ detail }) => detail.tile === wall.selected && showTools());
wall.addEventListener("pictures", () => strip.openNewest());
left.addEventListener("choose", ({ detail }) => wall.put(detail));
left.addEventListener("cleared", () => wall.selected?.card && left.reveal(wall.selected.card));
road.addEventListener("choose", ({ detail }) => wall.put(detail));

function showMarks() {
  const marks = wall.marks();
  const selectedId = wall.selected?.card?.id ?? null;
  left.setMarks(marks, selectedId);
  road.setMarks(marks, selectedId);
}

byId("chips").addEventListener("change", ({ target }) => {
  if ((target.name === "by" || !target.checked) && wall.selected?.card) left.reveal(wall.selected.card, true);
});

// Orders --------------------------------------------------------------------------------------------

function onPtzAnswer({ is_done: isDone, message, control }) {
  panel.answer(isDone ? "" : message, !isDone);
  panel.update(control);
}

// Tool bar ------------------------------------------------------------------------------------------

const layouts = byId("layouts");
const streams = byId("streams");

function setLayout(count) {
  wall.setLayout(count);
  for (const button of layouts.children) button.setAttribute("aria-pressed", String(Number(button.dataset.layout) === wall.layout));
  wall.showStep(pad.step);
}

function showTools() {
  const tile = wall.selected?.card ? wall.selected : null;
  for (const button of streams.children) {
    button.disabled = !tile;
    button.setAttribute("aria-pressed", String(Boolean(tile) && tile.type === Number(button.dataset.type)));
  }
  byId("grab").disabled = !tile?.isPlaying;
}

layouts.addEventListener("click", ({ target }) => target.dataset.layout && setLayout(Number(target.dataset.layout)));
streams.addEventListener("click", ({ target }) => target.dataset.type && wall.selected?.setType(Number(target.dataset.type)));
byId("clear").addEventListener("click", clearWall);
byId("fullscreen").addEventListener("click", toggleFullscreen);
byId("grab").addEventListener("click", saveFrame);
byId("fit").addEventListener("click", () => setFit(!wall.element.classList.contains("is-contained")));

// One click takes down what took minutes to put up.
function clearWall() {
  const before = wall.clear();
  toast("已撤下全部画面", () => wall.fill(before));
}

function setFit(isContained) {
  wall.element.classList.toggle("is-contained", isContained);
  byId("fit").textContent = isContained ? "原比例" : "铺满";
  localStorage.setItem("wall-fit", isContained ? "contain" : "fill");
}

function toggleFullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else byId("wall-frame").requestFullscreen?.();
}

function saveFrame() {
  const tile = wall.selected;
  const frame = tile?.grab();
  if (!frame) return;
  frame.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${tile.card.road}_${tile.card.stake}_${stamp(nowSeconds())}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    toast(`已保存 ${tile.card.stake} 的当前画面`);
  });
}

// Presets, tours, kiosk ---------------------------------------------------------------------------

async function putUp(preset) {
  tour.stop();
  const ids = preset.cameras.filter(Boolean);
  try {
    const { cards } = await get("/cameras/", { ids: ids.join(",") });
    const byCamera = new Map(cards.map((card) => [card.id, card]));
    setLayout(preset.layout);
    wall.arrange(preset.cameras.map((id) => byCamera.get(id) ?? null));
    if (cards.length < ids.length) toast(`预案中有 ${ids.length - cards.length} 路已删除或不再可见`);
  } catch (error) {
    toast(error.message);
  }
}

async function fillRoadChoice() {
  const { roads } = await get("/places/");
  byId("road-choice").append(...roads.map(([name, words]) => h("option", { value: name }, `${name} ${words}`.trim())));
}
byId("road-choice").addEventListener("change", ({ target }) => target.value && road.open(target.value));

// Keyboard ------------------------------------------------------------------------------------------

const acts = {
  search: () => left.focusSearch(),
  control: () => wall.selected?.card && wall.select(wall.selected, true),
  fullscreen: toggleFullscreen,
  kiosk: () => kiosk.toggle(),
  presets: () => presets.menu.toggle(),
  tour: () => (tour.isRunning ? tour.stop() : tourBar.menu.toggle()),
  keys: () => byId("keys").showModal(),
  fewer: () => setLayout(neighbour(-1)),
  more: () => setLayout(neighbour(1)),
  high: () => wall.selected?.card && wall.selected.setType(wall.selected.type === 1 ? 0 : 1),
  grab: saveFrame,
  magnify: () => wall.selected?.card && wall.magnify(wall.selected),
  remove: () => wall.selected && wall.remove(wall.selected.index),
  leave,
};
byId("keys-open").addEventListener("click", acts.keys);
leaveWithMouse();

function neighbour(by) {
  const counts = [...layouts.children].map((button) => Number(button.dataset.layout));
  return counts[Math.min(counts.length - 1, Math.max(0, counts.indexOf(wall.layout) + by))];
}

addEventListener("keydown", (event) => {
  const isElsewhere = viewer.dialog.open || byId("keys").open || presets.menu.isOpen || tourBar.menu.isOpen;
  if (isElsewhere || holder(event, "input:not([type=checkbox], [type=radio]), select, textarea")) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    byId("toasts").querySelector("button")?.click();
    return;
  }
  if (pad.onKey(event, wall.isArmed) || onScreenKey(event, { wall, tour, presets, acts })) event.preventDefault();
});

function leave() {
  pad.release();
  if (kiosk.isOn) kiosk.toggle(false);
  else if (wall.magnified) wall.magnify(null);
  else if (wall.isArmed) wall.disarm();
  else if (wall.selected) wall.select(null);
}

// State ---------------------------------------------------------------------------------------------

poll.addEventListener("state", ({ detail }) => {
  showState(detail);
  showRunning(detail.running);
  wall.update(detail.wall);
  left.showChanges(detail);
  road.update(detail.changes);
  panel.update(detail.control);
  if (wall.selected?.card) panel.show(wall.selected.card);
});
poll.addEventListener("broken", ({ detail }) => showBroken(detail));

// Begin ---------------------------------------------------------------------------------------------

async function begin() {
  runClock();
  setFit(localStorage.getItem("wall-fit") === "contain");
  const kept = wall.remembered();
  const asked = new URLSearchParams(location.search);
  setLayout(Number(asked.get("layout")) || kept?.layout || 9);
  poll.start();
  fillRoadChoice().catch((error) => toast(error.message));
  if (document.body.hasAttribute("data-screen")) kiosk.toggle(true);
  if (asked.has("kiosk") || asked.has("tour")) {
    await beginTour(asked);
    return;
  }
  await fillWall(kept);
  await putAsked();
}

// A screen on the wall names what it shows in its address, so that it comes back by itself.
async function beginTour(asked) {
  if (asked.has("kiosk")) kiosk.toggle(true);
  await tourBar.begin(asked.get("tour") ?? "", Number(asked.get("seconds")));
}

// A link of another page names a camera: it goes up beside what was there, once.
async function putAsked() {
  const asked = new URLSearchParams(location.search).get("camera");
  if (!asked) return;
  history.replaceState(null, "", location.pathname);
  const { cards } = await get("/cameras/", { ids: asked });
  if (!cards.length) {
    toast("该摄像机不存在或已删除");
    return;
  }
  wall.put(cards[0]);
  left.reveal(cards[0]);
}

async function fillWall(kept) {
  const ids = (kept?.ids ?? []).filter(Number.isInteger);
  if (kept && !ids.length) {
    wall.fill([]);
    return;
  }
  let cards;
  try {
    ({ cards } = await get("/cameras/", ids.length ? { ids: ids.join(",") } : { first: wall.layout }));
  } catch (error) {
    // Refused is refused; what did not answer will.
    if (error.status === 0 || error.status >= 500) poll.addEventListener("state", () => fillWall(kept), { once: true });
    toast(error.message);
    return;
  }
  const byCamera = new Map(cards.map((card) => [card.id, card]));
  wall.fill(ids.length ? kept.ids.map((id) => byCamera.get(id) ?? null) : cards);
  // Shown, not yet under control: a stray arrow key must not turn it.
  const tiles = wall.tiles.filter((tile) => tile.card);
  const first = tiles.find(({ card }) => card.can_ptz && card.may_ptz && card.state === "online") ?? tiles.find(({ card }) => card.state === "online") ?? tiles[0];
  if (!first) return;
  if (!wall.selected && !kiosk.isOn) wall.select(first, false);
  left.reveal(first.card);
}

begin().catch((error) => toast(error.message));
