// 路线长卷 put together: a road, a place on it, a time; walked by keys, shown from what is near.

import { get } from "./api.js";
import { byId, setText, shield, toast } from "./dom.js";
import { FilmDays } from "./filmdays.js";
import { FilmPictures } from "./filmpictures.js";
import { FilmRoad } from "./filmroad.js";
import { FilmSearch, stakeMetres } from "./filmsearch.js";
import { FilmStrip, LANES } from "./filmstrip.js";
import { FilmTime } from "./filmtime.js";
import { Slots } from "./slots.js";
import { isoDay, minute, clock, nowSeconds, setServerTime } from "./words.js";

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;
// Address and what is fetched ahead follow when somebody stays for so long.
const STAY_MS = 140;
const REFRESH_MS = 30_000;
const PLAY_MS = 200;
const STEPS_AHEAD = 4;
const MOST_RUNS = 60;
const LAST_ROAD = "film-road";
const SIZE = "film-columns";
const PERIOD = 300;

const stage = byId("film-stage");
const pictures = new FilmPictures();
const days = new FilmDays(PERIOD);
const strip = new FilmStrip(stage, byId("film-strip"), pictures, days);
const overview = new FilmRoad(byId("film-road"));
const time = new FilmTime(byId("film-slider"), PERIOD);
const search = new FilmSearch(byId("film-search"), byId("film-input"), byId("film-roads"));

let road = null;
let chosen = null;
// null: the newest picture of each camera.
let slot = null;
let way = 1;
let stride = PERIOD;
let isWalking = true;
let isRunning = false;

const shownSlot = () => slot ?? time.present;
const words = (at) => `${isoDay(at)} ${days.period < 60 ? clock(at) : minute(at)}`;

// A road ------------------------------------------------------------------------------------------

async function open(name, { camera = null, metres = null } = {}) {
  let found;
  try {
    found = await get(`/film/roads/${encodeURIComponent(name)}/`);
  } catch (error) {
    toast(error.message);
    if (!road) empty(error.message);
    return;
  }
  takeNow(found.now);
  road = found;
  const cameras = found.cameras.map(([id, at, direction, state, stake, place, title]) => ({ id, at, way: direction, state, stake, place, name: title }));
  byId("film-empty").hidden = true;
  shield(byId("film-shield"), found.road);
  setText(byId("film-name"), found.name);
  document.title = `${found.road} 路线长卷`;
  localStorage.setItem(LAST_ROAD, found.road);
  strip.show(cameras);
  showCounts(cameras);
  showLanes();
  overview.show(cameras, found.places);
  const first = strip.cameras.get(camera) ?? (metres === null ? cameras[0] : strip.nearest(metres));
  choose(first, true);
  await turn(slot);
}

function empty(sentence) {
  byId("film-empty").hidden = false;
  setText(byId("film-empty"), sentence);
}

function showCounts(cameras) {
  const away = cameras.filter(({ state }) => state !== "online").length;
  setText(byId("film-counts"), `${cameras.length} 路${away ? `，${away} 路不在线` : ""}`);
}

function showLanes() {
  byId("film-lanes").replaceChildren(
    ...strip.lanes.map(([, name]) => {
      const label = document.createElement("span");
      label.textContent = name;
      return label;
    }),
  );
}

function takeNow(now) {
  setServerTime(now);
  time.setNow(now);
}

// A place -----------------------------------------------------------------------------------------

function choose(camera, isFar = false) {
  if (!camera) return;
  chosen = camera;
  if (isFar) strip.centre(camera.column);
  strip.choose(camera);
  const name = LANES.find(([lane]) => lane === camera.way)[1].replace(/[▶◀ ]/g, "");
  setText(byId("film-here"), `${camera.stake} ${name} ${camera.name}`);
  links();
  settleSoon();
}

function links() {
  const at = strip.slotOf(chosen) ?? null;
  const place = new URLSearchParams({ camera: chosen.id });
  byId("film-wall").search = place;
  if (at) place.set("at", at);
  byId("film-back").search = place;
  byId("film-case").search = place;
}

function walk(step) {
  way = step;
  isWalking = true;
  choose(strip.beside(chosen, step));
}

strip.addEventListener("choose", ({ detail }) => choose(detail));
strip.addEventListener("seen", ({ detail: { first, last } }) => {
  overview.mark(strip.columns[first].at, strip.columns[last].at, chosen?.at ?? null);
  settleSoon();
});
overview.addEventListener("jump", ({ detail }) => choose(strip.nearest(detail, chosen?.way), true));

// A time ------------------------------------------------------------------------------------------

let isDue = false;

async function turn(to) {
  slot = to === null ? null : time.clamp(to);
  if (isDue) return;
  isDue = true;
  // However fast the slider is pulled: once a frame.
  await new Promise((resume) => requestAnimationFrame(resume));
  isDue = false;
  await show();
}

async function show() {
  const at = shownSlot();
  setText(byId("film-time"), words(at));
  byId("film-live").hidden = slot !== null;
  byId("film-newest").hidden = slot === null;
  time.show(at, words(at));
  strip.turn(slot, time.present);
  if (chosen) links();
  settleSoon();
  const [first, last] = strip.sight;
  const seen = strip.camerasIn(first - 1, last + 1);
  if (await wanted(seen, at)) strip.paint();
  if (chosen) links();
  // Not only when somebody stays: the next step comes while this one is looked at.
  if (!isWalking && at === shownSlot()) prepare(seen, []);
}

async function wanted(cameras, at) {
  try {
    return await days.want(cameras.map(({ id }) => id), at);
  } catch (error) {
    toast(error.message);
    return false;
  }
}

function move(seconds) {
  stop();
  shift(seconds);
}

function shift(seconds) {
  isWalking = false;
  stride = seconds;
  const to = shownSlot() + seconds;
  // Beyond the present slot is what is newest.
  return turn(to > time.present ? null : to);
}

time.addEventListener("turn", ({ detail }) => {
  stop();
  isWalking = false;
  const moved = detail - shownSlot();
  if (moved) stride = Math.sign(moved) * days.period;
  turn(detail);
});
time.addEventListener("point", ({ detail }) => setText(byId("film-pointed"), detail === null ? "" : words(detail)));

// Whoever stays -----------------------------------------------------------------------------------

let stayTimer = 0;

function settleSoon() {
  clearTimeout(stayTimer);
  stayTimer = setTimeout(settle, STAY_MS);
}

async function settle() {
  if (!road || !chosen) return;
  const at = shownSlot();
  const place = new URLSearchParams({ road: road.road, camera: chosen.id, stake: chosen.stake });
  if (slot !== null) place.set("at", slot);
  history.replaceState(null, "", `${location.pathname}?${place}`);
  const [first, last] = strip.sight;
  const seen = strip.camerasIn(first - 1, last + 1);
  const screen = last - first + 1;
  const ahead = way > 0 ? strip.camerasIn(last + 1, last + screen) : strip.camerasIn(first - screen, first - 1).toReversed();
  if (await wanted([...seen, ...ahead], at)) strip.paint();
  links();
  prepare(seen, ahead);
  showRuns();
}

// Where somebody is likely to go: along the road, or on in time.
function prepare(seen, ahead) {
  const along = [strip.preparedBy(ahead, slot)];
  const later = slot === null ? [] : Array.from({ length: STEPS_AHEAD }, (_, step) => strip.preparedBy(seen, slot + (step + 1) * stride));
  pictures.prepare(isWalking ? [...along, ...later] : [...later, ...along]);
}

const known = new Map();

async function showRuns() {
  const { id } = chosen;
  const kept = known.get(id);
  time.showRuns(kept ?? null);
  if (kept && nowSeconds() - kept.now < REFRESH_MS / 1000) return;
  const slots = new Slots(id);
  try {
    await slots.load();
  } catch {
    // The pictures say it where it matters.
    return;
  }
  known.set(id, slots);
  if (known.size > MOST_RUNS) known.delete(known.keys().next().value);
  if (chosen.id === id) time.showRuns(slots);
}

// Film --------------------------------------------------------------------------------------------

function stop() {
  isRunning = false;
  byId("film-play").setAttribute("aria-pressed", "false");
  setText(byId("film-play-words"), "播放");
}

async function run() {
  isRunning = true;
  byId("film-play").setAttribute("aria-pressed", "true");
  setText(byId("film-play-words"), "停止");
  // From the newest there is nowhere to go: the last hour is shown.
  if (slot === null) await turn(time.present - HOUR_SECONDS);
  while (isRunning && slot !== null && !document.hidden) {
    const pause = new Promise((resume) => setTimeout(resume, PLAY_MS));
    await strip.settled();
    await pause;
    if (isRunning) await shift(days.period);
  }
  stop();
}

const toggle = () => (isRunning ? stop() : run());

// Ways --------------------------------------------------------------------------------------------

function setSize(size) {
  localStorage.setItem(SIZE, size);
  for (const button of byId("film-sizes").children) button.setAttribute("aria-pressed", String(Number(button.dataset.size) === size));
  strip.setSize(size);
}

byId("film-sizes").addEventListener("click", ({ target }) => target.dataset.size && setSize(Number(target.dataset.size)));
byId("film-play").addEventListener("click", toggle);
byId("film-newest").addEventListener("click", () => {
  stop();
  turn(null);
});
search.addEventListener("go", ({ detail }) => {
  if (detail.road && detail.road !== road?.road) open(detail.road, { metres: detail.metres });
  else if (detail.metres !== null && road) choose(strip.nearest(detail.metres), true);
});

const KEYS = {
  ArrowLeft: () => walk(-1),
  ArrowRight: () => walk(1),
  ArrowUp: () => choose(strip.across(chosen, -1)),
  ArrowDown: () => choose(strip.across(chosen, 1)),
  ",": () => move(-days.period),
  ".": () => move(days.period),
  "<": () => move(-HOUR_SECONDS),
  ">": () => move(HOUR_SECONDS),
  "《": () => move(-HOUR_SECONDS),
  "》": () => move(HOUR_SECONDS),
  "，": () => move(-days.period),
  "。": () => move(days.period),
  PageUp: () => move(-DAY_SECONDS),
  PageDown: () => move(DAY_SECONDS),
  End: () => byId("film-newest").click(),
  Home: () => turn(time.first),
  Enter: () => location.assign(byId("film-back").href),
  v: () => location.assign(byId("film-wall").href),
  j: () => location.assign(byId("film-case").href),
  " ": toggle,
};

// On the slider itself the arrows are those of a slider.
const SLIDER_KEYS = {
  ArrowLeft: () => move(-days.period),
  ArrowRight: () => move(days.period),
  ArrowDown: () => move(-HOUR_SECONDS),
  ArrowUp: () => move(HOUR_SECONDS),
};

addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (target.closest?.("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (key === "/") {
    event.preventDefault();
    byId("film-input").focus();
    return;
  }
  const own = target === time.element ? SLIDER_KEYS[key] : undefined;
  const act = own ?? KEYS[key.length === 1 ? key.toLowerCase() : key];
  // What has the focus is pressed by these two keys itself.
  if (!act || !chosen || ([" ", "Enter"].includes(key) && target.closest?.("button, a:not(.cell)"))) return;
  event.preventDefault();
  act();
});

// Now ---------------------------------------------------------------------------------------------

setInterval(async () => {
  if (document.hidden || !road) return;
  try {
    const found = await get(`/film/roads/${encodeURIComponent(road.road)}/`);
    if (found.road !== road.road) return;
    takeNow(found.now);
    for (const [id, , , state] of found.cameras) if (strip.cameras.has(id)) strip.cameras.get(id).state = state;
    showCounts([...strip.cameras.values()]);
    if (slot === null) show();
  } catch {
    // The next look will say; what is shown stays true.
  }
}, REFRESH_MS);

// Begin -------------------------------------------------------------------------------------------

const asked = new URLSearchParams(location.search);
const number = (name) => (/^\d{1,15}$/.test(asked.get(name) ?? "") ? Number(asked.get(name)) : null);

async function begin() {
  takeNow(nowSeconds());
  setSize(Number(localStorage.getItem(SIZE)) || 5);
  try {
    search.roads = (await get("/film/roads/")).roads;
  } catch (error) {
    empty(error.message);
    return;
  }
  const names = search.roads.map((one) => one.road);
  const last = localStorage.getItem(LAST_ROAD);
  const name = asked.get("road") ?? (names.includes(last) ? last : names[0]);
  if (!name) {
    empty("没有可查看截图的摄像机");
    return;
  }
  slot = number("at") === null ? null : Math.floor(number("at") / days.period) * days.period;
  if (slot !== null && slot >= time.present) slot = null;
  await open(name, { camera: number("camera"), metres: stakeMetres(asked.get("stake") ?? "") });
}

begin();
