// Top bar: counts, upper platform, clock, and whether we still hear from the platform at all.

import { showAlarms } from "./alarmcount.js";
import { byId, setText } from "./dom.js";
import { clock, moment, nowSeconds } from "./words.js";

export function runClock() {
  const face = byId("clock");
  const tick = () => setText(face, clock(nowSeconds()));
  tick();
  setInterval(tick, 250);
}

export function showState({ counts, alarms, ministry }) {
  document.body.classList.remove("is-stale");
  byId("broken").hidden = true;
  setText(byId("count-online"), String(counts.online));
  setText(byId("count-total"), String(counts.total));
  setText(byId("count-share"), counts.total ? `${((100 * counts.online) / counts.total).toFixed(2)}%` : "");
  setText(byId("count-offline"), String(counts.offline));
  setText(byId("count-fault"), String(counts.fault));
  setText(byId("count-unknown"), String(counts.unknown));
  const chip = byId("chip-unknown");
  // Whoever looks at them can put the filter off again.
  chip.hidden = !counts.unknown && !chip.querySelector("input").checked;
  showAlarms(alarms);
  showMinistry(ministry);
}

function showMinistry(ministry) {
  const place = byId("ministry");
  place.hidden = !ministry;
  if (!ministry) return;
  place.dataset.state = ministry.state;
  place.querySelector(".state").dataset.state = ministry.state;
  place.title = ministry.reason;
  setText(byId("ministry-words"), ministry.words);
  setText(byId("ministry-time"), ministry.success_at ? moment(ministry.success_at) : "");
}

export function showBroken({ since }) {
  document.body.classList.add("is-stale");
  byId("broken").hidden = false;
  setText(byId("broken-seconds"), `${Math.max(0, Math.round(nowSeconds() - since))} s`);
}
