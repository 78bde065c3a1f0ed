// What goes on above the wall: a gateway, a road, an operator whose cameras went away together. Gone when it is over.

import { byId, h } from "./dom.js";
import { moment } from "./words.js";

let shown = "";

function lineOf({ name, what, cameras, since, is_grave: isGrave, url }) {
  return h(
    "a",
    { href: url, title: "打开告警", "data-testid": "running-incident" },
    h("i", { class: "state", "data-state": isGrave ? "alarm" : "fault" }),
    h("span", {}, name),
    h("b", {}, `${what} ${cameras.toLocaleString("zh-CN")} 路`),
    h("time", {}, `自 ${moment(since)}`),
  );
}

export function showRunning({ incidents, more }) {
  const now = JSON.stringify([incidents, more]);
  // Said once: a reader of the screen hears of what has changed.
  if (now === shown) return;
  shown = now;
  const place = byId("running");
  place.hidden = !incidents.length;
  const rest = more ? [h("a", { class: "running-more", href: "/alarms/" }, `另有 ${more} 起`)] : [];
  place.replaceChildren(...incidents.map(lineOf), ...rest);
}
