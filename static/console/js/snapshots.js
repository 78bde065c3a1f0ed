// 截图回看 put together: one camera, one or two times, and the ways to move them.

import { byId, h, setText, shield, toast } from "./dom.js";
import { DayBars } from "./daybars.js";
import { Left } from "./left.js";
import { Pane } from "./pane.js";
import { Pictures } from "./pictures.js";
import { Slots } from "./slots.js";
import { duration, isoDay } from "./words.js";

const DAY_SECONDS = 86_400;
const HOUR_SECONDS = 3600;
const REFRESH_MS = 30_000;
// The row of small pictures follows when somebody stays for so long.
const STAY_MS = 160;
const FILM_MS = 125;
const NEAR_WIDTH = 92;
const WHEEL_STEP = 50;

const pictures = new Pictures();
const left = new Left();
const panes = [new Pane(byId("pane-a"), pictures), new Pane(byId("pane-b"), pictures)];
const bars = new DayBars(byId("days"));

let slots = null;
let choices = 0;
const turns = [0, 0];
let active = 0;
let isComparing = false;
let isLinked = true;
let isRunning = false;
let direction = 1;
let stride = 0;
// Which picture was offered to compare with, until somebody moves one of the two.
let offered = "";

// Choosing a camera ---------------------------------------------------------------------------------

async function choose(cameraId, at = null, other = null) {
  stop();
  const asked = ++choices;
  const next = new Slots(cameraId);
  try {
    await next.load();
  } catch (error) {
    if (asked === choices) toast(error.message);
    return;
  }
  // The last click counts, not the last answer.
  if (asked !== choices) return;
  slots = next;
  const { card } = slots;
  shield(byId("back-shield"), card.road);
  setText(byId("back-stake"), card.stake);
  setText(byId("back-place"), `${card.direction} · ${card.name} · ${card.organisation}`);
  byId("back-ways").hidden = false;
  sessionStorage.setItem("looked-at", card.id);
  byId("to-wall").search = `?camera=${card.id}`;
  document.title = `${card.stake} 截图回看`;
  left.setMarks(new Map(), card.id);
  bars.show(slots);
  panes.forEach((pane) => pane.clear());
  const begin = at === null ? (slots.newestPicture() ?? slots.present) : slots.clamp(slots.snap(at));
  setComparing(other !== null, other === null ? null : slots.clamp(slots.snap(other)));
  await turn(0, begin);
}

left.addEventListener("choose", async ({ detail }) => {
  // The same moment seen from the next camera.
  const [a, b] = panes.map((pane) => pane.slot);
  await choose(detail.id, a, isComparing ? b : null);
});

// Moving --------------------------------------------------------------------------------------------

async function turn(index, slot) {
  if (!slots) return;
  const of = slots;
  const to = of.clamp(slot);
  const asked = ++turns[index];
  if (!of.dayOf(to) && !(await reach(of, to))) return;
  // Somebody has turned elsewhere meanwhile, and what they look at may be of another week.
  if (asked !== turns[index]) {
    turn(index, panes[index].slot);
    return;
  }
  panes[index].show(of, to);
  if (index === active) prepare(to);
  showPlace();
}

// A week of which `slot` is a part, and that ends with `end` if that is given; false when the camera was left meanwhile.
async function reach(of, slot, end = of.weekEnd(slot)) {
  try {
    if (!(await of.load(end))) return false;
  } catch (error) {
    if (of === slots) toast(error.message);
    return false;
  }
  if (of !== slots) return false;
  bars.show(of);
  return true;
}

function move(seconds, index = active) {
  if (!slots || panes[index].slot === null) return;
  stop();
  offered = "";
  direction = Math.sign(seconds);
  stride = Math.abs(seconds);
  const both = isComparing && isLinked ? [0, 1] : [index];
  for (const one of both) turn(one, panes[one].slot + seconds);
}

// Where somebody is likely to go: on in the same strides, then to neighbours, by an hour and by a day.
function prepare(slot) {
  const { period } = slots;
  const near = [1, 2, 3, 4, 5, 6, -1].map((step) => step * period);
  const far = [HOUR_SECONDS, -HOUR_SECONDS, DAY_SECONDS, -DAY_SECONDS];
  const shifts = new Set([stride, 2 * stride, 3 * stride, ...near, ...far]);
  const likely = [...shifts].map((shift) => slot + direction * shift).filter((one) => slots.isPicture(one));
  pictures.prepare(likely.map((one) => slots.url(one)));
}

// What stands around the pictures -------------------------------------------------------------------

let stayTimer = 0;

function showPlace() {
  const [a, b] = panes.map((pane) => pane.slot);
  bars.mark(a, isComparing ? b : null);
  const apart = isComparing && a !== null && b !== null ? b - a : null;
  panes[0].showApart("");
  const words = apart === null ? "" : apart === 0 ? "同一时刻" : `${apart < 0 ? "早" : "晚"} ${duration(Math.abs(apart))}`;
  panes[1].showApart([words, offered].filter(Boolean).join(" · "));
  clearTimeout(stayTimer);
  stayTimer = setTimeout(settle, STAY_MS);
}

function settle() {
  const { slot } = panes[active];
  if (!slots || slot === null) return;
  const address = new URLSearchParams({ camera: slots.cameraId, at: panes[0].slot });
  if (isComparing) address.set("b", panes[1].slot);
  history.replaceState(null, "", `${location.pathname}?${address}`);
  const save = byId("save");
  save.hidden = !slots.isPicture(slot);
  save.href = slots.url(slot);
  save.download = `${slots.card.road}_${slots.card.stake}_${slots.words(slot).replace(" ", "_").replaceAll(":", "")}.jpg`;
  byId("to-film").search = new URLSearchParams({ road: slots.card.road, camera: slots.cameraId, at: slot });
  byId("to-case").search = new URLSearchParams({ camera: slots.cameraId, at: slot });
  byId("save-day").href = `/console/api/cameras/${slots.cameraId}/days/${isoDay(slot)}.zip`;
  showNear(slot);
}

function showNear(slot) {
  const place = byId("near");
  const half = Math.max(2, Math.floor((place.clientWidth / NEAR_WIDTH - 1) / 2));
  const items = [];
  for (let step = -half; step <= half; step += 1) items.push(nearItem(slot + step * slots.period, step === 0));
  place.replaceChildren(...items);
}

function nearItem(slot, isHere) {
  const isPicture = slots.isPicture(slot);
  const face = isPicture ? h("img", { src: slots.url(slot), alt: "", decoding: "async", draggable: "false" }) : h("span", {}, slots.dayOf(slot) || slot > slots.present ? slots.reason(slot).replace(/（.*/, "") : "");
  const button = h("button", { type: "button", "data-slot": slot, tabindex: "-1", title: slots.words(slot) }, face);
  const kind = isPicture ? "" : slots.isGap(slot) ? "is-gap" : "is-none";
  return h("li", { class: [kind, isHere ? "is-chosen" : ""].join(" ").trim() }, button, slots.time(slot));
}

byId("near").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button) move(Number(button.dataset.slot) - panes[active].slot);
});

// Two times side by side ----------------------------------------------------------------------------

function setComparing(isOn, slot = null) {
  isComparing = isOn;
  offered = "";
  byId("compare").setAttribute("aria-pressed", String(isOn));
  byId("link").hidden = !isOn;
  panes[1].element.hidden = !isOn;
  byId("stage").classList.toggle("is-double", isOn);
  activate(isOn ? active : 0);
  if (!isOn) showPlace();
  else if (slot !== null) turn(1, slot);
  else offer();
}

// What one compares with: the same time of the day before says most, where there is a picture of it.
async function offer() {
  const [of, slot] = [slots, panes[0].slot];
  const asked = ++turns[1];
  const before = slot - DAY_SECONDS;
  if (!of.dayOf(before) && before >= of.oldest) await reach(of, before, slot);
  if (asked !== turns[1] || of !== slots || !isComparing) return;
  const { at, words } = of.beside(slot);
  await turn(1, at);
  if (panes[1].slot !== at) return;
  offered = words;
  showPlace();
}

function activate(index) {
  active = index;
  panes.forEach((pane, at) => pane.element.classList.toggle("is-active", isComparing && at === index));
}

function setLinked(isOn) {
  isLinked = isOn;
  byId("link").setAttribute("aria-pressed", String(isOn));
}

panes.forEach((pane, index) => {
  let turned = 0;
  pane.element.addEventListener("pointerdown", () => isComparing && activate(index));
  pane.element.addEventListener("wheel", (event) => {
    event.preventDefault();
    turned += event.deltaY || event.deltaX;
    const steps = Math.trunc(turned / WHEEL_STEP);
    if (!steps) return;
    turned = 0;
    move(Math.sign(steps) * (event.shiftKey ? HOUR_SECONDS : slots?.period ?? 0), index);
  }, { passive: false });
});

// Film ----------------------------------------------------------------------------------------------

function stop() {
  isRunning = false;
  byId("film").setAttribute("aria-pressed", "false");
  setText(byId("film-words"), "播放");
}

async function run() {
  isRunning = true;
  offered = "";
  direction = 1;
  stride = slots.period;
  byId("film").setAttribute("aria-pressed", "true");
  setText(byId("film-words"), "停止");
  while (isRunning && !document.hidden) {
    // Gaps are passed over: the bar below shows them.
    const next = slots.nextPicture(panes[active].slot, 1);
    if (next === null) break;
    const shift = next - panes[active].slot;
    const pause = new Promise((resume) => setTimeout(resume, FILM_MS));
    prepare(panes[active].slot);
    await pictures.want(slots.url(next)).done;
    await pause;
    if (!isRunning) break;
    for (const one of isComparing && isLinked ? [0, 1] : [active]) await turn(one, panes[one].slot + shift);
  }
  stop();
}

const toggleFilm = () => (isRunning ? stop() : slots && run());

// Ways ----------------------------------------------------------------------------------------------

byId("film").addEventListener("click", toggleFilm);
byId("compare").addEventListener("click", () => slots && setComparing(!isComparing));
byId("link").addEventListener("click", () => setLinked(!isLinked));
bars.addEventListener("turn", ({ detail }) => move(detail - panes[active].slot));
bars.addEventListener("point", ({ detail }) => setText(byId("pointed"), detail === null || detail > slots.present ? "" : `${slots.words(detail)} ${slots.isPicture(detail) ? slots.wrong(detail) : slots.reason(detail)}`));

const newest = () => slots.newestPicture() ?? slots.present;
const KEYS = {
  ArrowLeft: (event) => move(event.shiftKey ? -HOUR_SECONDS : -slots.period),
  ArrowRight: (event) => move(event.shiftKey ? HOUR_SECONDS : slots.period),
  PageUp: () => move(-DAY_SECONDS),
  PageDown: () => move(DAY_SECONDS),
  Home: () => move(slots.dayOf(panes[active].slot).first - panes[active].slot),
  End: () => move(newest() - panes[active].slot),
  " ": toggleFilm,
  c: () => setComparing(!isComparing),
  l: () => isComparing && setLinked(!isLinked),
  1: () => isComparing && activate(0),
  2: () => isComparing && activate(1),
};

addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (target.closest?.("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (key === "/") {
    event.preventDefault();
    left.focusSearch();
    return;
  }
  const act = KEYS[key.length === 1 ? key.toLowerCase() : key];
  // A button that has the focus is pressed by the space bar.
  if (!act || !slots || panes[active].slot === null || (key === " " && target.closest?.("button, a"))) return;
  event.preventDefault();
  act(event);
});

// New pictures of today, for whoever stays ------------------------------------------------------------

setInterval(async () => {
  if (document.hidden || !slots?.isUpToNow) return;
  const of = slots;
  try {
    if ((await of.load()) && of === slots) {
      bars.show(of);
      showPlace();
    }
  } catch {
    // The next look will say; what is shown stays true.
  }
}, REFRESH_MS);

// Begin ---------------------------------------------------------------------------------------------

const asked = new URLSearchParams(location.search);
const number = (name) => (/^\d{1,15}$/.test(asked.get(name) ?? "") ? Number(asked.get(name)) : null);

// From the menu: the camera that was selected last.
const first = number("camera") ?? Number(sessionStorage.getItem("looked-at"));
if (first) {
  choose(first, number("at"), number("b")).then(() => slots && left.reveal(slots.card));
}
