// Right column: facts of the selected camera, who controls it, what was ordered.

import { byId, h, setText, shield, toast } from "./dom.js";
import { clock, duration, moment, nowSeconds, STATES } from "./words.js";

const STOPS = new Set([0, 13]);
const STEPPED = new Set([1, 2, 3, 4, 5, 6]);

export class Panel {
  constructor() {
    this.card = null;
    this.lease = null;
    setInterval(() => this.#tick(), 500);
  }

  show(card) {
    byId("panel-none").hidden = Boolean(card);
    byId("panel-camera").hidden = !card;
    if (card?.id !== this.card?.id) {
      this.lease = null;
      byId("ptz-log").replaceChildren();
      byId("ptz-answer").hidden = true;
    }
    this.card = card;
    if (!card) return;
    byId("panel-state").dataset.state = card.state;
    shield(byId("panel-shield"), card.road);
    setText(byId("panel-stake"), card.stake);
    setText(byId("panel-direction"), card.direction);
    setText(byId("fact-name"), card.name);
    setText(byId("fact-organisation"), card.organisation ?? "");
    setText(byId("fact-type"), [card.type, card.place].filter(Boolean).join(" · "));
    setText(byId("fact-number"), card.number);
    setText(byId("fact-quality"), card.quality ?? "");
    for (const part of document.querySelectorAll(".fact-quality")) part.hidden = !card.quality;
    this.#showPtz(card);
    this.#tick();
  }

  // Not open: say why instead of showing buttons that refuse.
  #showPtz(card) {
    const isKnown = card.can_ptz !== undefined;
    const words = !isKnown ? "" : !card.can_ptz ? `${card.type}，不支持云台控制` : !card.may_ptz ? "没有该摄像机的云台控制权限" : "";
    byId("ptz-open").hidden = !isKnown || Boolean(words);
    byId("ptz-closed").hidden = !words;
    setText(byId("ptz-closed"), words);
  }

  update(control) {
    if (!control || control.camera !== this.card?.id) return;
    const before = this.lease?.until > nowSeconds() ? this.lease : null;
    this.lease = control.lease && { ...control.lease, until: nowSeconds() + control.lease.seconds_left };
    tellTaken(before, this.lease);
    const lines = grouped(control.log).map(line);
    byId("ptz-log").replaceChildren(...(lines.length ? lines : [h("li", { class: "quiet" }, "还没有控制记录")]));
    this.#tick();
  }

  #tick() {
    if (!this.card) return;
    const { since, state, reason } = this.card;
    const words = [STATES[state], since ? `${moment(since)} 起，${duration(nowSeconds() - since)}` : "", state === "online" ? "" : reason];
    setText(byId("fact-state"), words.filter(Boolean).join(" · "));
    const left = this.lease ? Math.ceil(this.lease.until - nowSeconds()) : 0;
    const place = byId("lease");
    place.hidden = left <= 0;
    if (left <= 0) return;
    place.dataset.level = this.lease.level;
    setText(byId("lease-words"), leaseWords(this.lease));
    setText(byId("lease-seconds"), `${left}s`);
  }

  // The answer to an order, in words; silence after a plain success.
  answer(words, isBad) {
    const place = byId("ptz-answer");
    place.hidden = !words;
    place.dataset.outcome = isBad ? "bad" : "good";
    setText(place, words);
  }
}

// Whoever loses control and whoever takes it, both are told of whom.
function tellTaken(before, now) {
  if (!before || !now) return;
  if (before.level === "mine" && now.level !== "mine") toast(`云台控制已由 ${now.holder} 接管`);
  if (before.level !== "mine" && now.level === "mine") toast(`已从 ${before.holder} 接管云台控制`);
}

function leaseWords({ level, holder }) {
  if (level === "mine") return "我在控制 · 部级请求将被拒绝";
  if (level === "province") return `省级控制中 · ${holder}，操作即接管`;
  return `部级控制中 · ${holder}，操作即接管`;
}

// A held key is one line with a count, not a screen of equal lines; stops are shown only when they failed.
export function grouped(log) {
  const lines = [];
  for (const order of log) {
    if (STOPS.has(order.action) && order.is_done) continue;
    const last = lines.at(-1);
    const isSame = last && ["who", "action", "step", "outcome"].every((key) => last[key] === order[key]);
    if (isSame) last.times += 1;
    else lines.push({ ...order, times: 1 });
  }
  return lines.slice(0, 12);
}

function line(order) {
  const words = `${order.words}${STEPPED.has(order.action) ? ` 步长 ${order.step}` : ""}${order.times > 1 ? ` ×${order.times}` : ""}`;
  return h(
    "li",
    { title: order.message || order.outcome },
    h("span", { class: "mono quiet" }, clock(order.at)),
    h("span", { class: "log-words" }, h("b", {}, order.who), ` ${words}`),
    h("span", { class: "log-outcome", "data-outcome": order.is_done ? "good" : "bad" }, order.is_done ? `${order.milliseconds} ms` : order.outcome),
  );
}
