// One tile of the wall. It is never black: it plays, connects, or says why not and what happens next.

import { get, post } from "./api.js";
import { h, s, setText, shield } from "./dom.js";
import { Gate } from "./gate.js";
import { canPlay, Player } from "./player.js";
import { duration, moment, nowSeconds, STATES } from "./words.js";

// A whole wall: fewer at a time make the last one later, because each then waits for others that only wait themselves.
const starts = new Gate(25);
const START_PLACE_MS = 2000;
const BACKOFF_SECONDS = [2, 4, 8, 15, 30];
const EXPLAIN_AFTER_MS = 3000;
const NOTE_MS = 6000;
// A picture that stands for longer is not what the camera sees now.
const FRESH_MS = 2000;

const icon = (...paths) => s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, ...paths.map((d) => s("path", { d })));
const CAMERA_OFF = ["M3 4l18 17", "M8 7h7a2 2 0 0 1 2 2v1l5-3v10l-3-1.800", "M17 17.500a2 2 0 0 1-1.500.500H4a2 2 0 0 1-2-2V9a2 2 0 0 1 1.500-2"];
const TRIANGLE = ["M12 3 2 21h20z", "M12 10v5", "M12 17.800v.200"];

// Not every media server speaks WebSocket.
const addressOf = (playing) => playing.ws_url || playing.flv_url;

export class Tile {
  constructor(index, wall) {
    this.wall = wall;
    this.card = null;
    this.type = 0;
    this.run = 0;
    this.#build();
    this.setIndex(index);
    this.clear();
  }

  #build() {
    this.picture = h("img", { class: "tile-picture", alt: "", hidden: true });
    this.picture.addEventListener("error", () => (this.picture.hidden = true));
    this.number = h("span", { class: "tile-index" });
    this.state = h("i", { class: "state" });
    this.shield = h("span", { class: "shield" });
    this.stake = h("span", { class: "tile-stake mono" });
    this.direction = h("span", {});
    this.kind = h("span", { class: "tile-kind" });
    this.place = h("span", { class: "tile-place" }, this.direction, this.kind);
    this.wrong = h("span", { class: "tile-quality", "data-testid": "tile-quality", hidden: true }, h("i", { class: "state", "data-state": "quality" }), h("span"));
    this.high = h("span", { class: "tile-high", hidden: true }, "高");
    this.step = h("b", {});
    this.ptz = h("span", { class: "tile-ptz", "data-testid": "tile-ptz" }, h("span", {}, "云台 "), "步长 ", this.step);
    this.rate = h("span", { class: "tile-rate mono", "data-testid": "tile-rate" });
    this.close = h("button", { class: "tile-close", type: "button", title: "撤下（Del）", "aria-label": "撤下画面" }, "×");
    this.bar = h("header", { class: "tile-bar", draggable: "true" }, this.number, this.state, this.shield, this.stake, this.place, this.wrong, this.ptz, this.rate, this.high, this.close);
    this.message = h("div", { class: "tile-message" });
    this.note = h("p", { class: "tile-note", hidden: true });
    this.element = h("article", { class: "tile", tabindex: "0", "data-testid": "tile" }, this.picture, this.bar, this.message, this.note);
    this.close.addEventListener("click", (event) => {
      event.stopPropagation();
      this.wall.remove(this.index);
    });
  }

  setIndex(index) {
    this.index = index;
    this.element.dataset.index = index + 1;
    this.element.style.order = index;
    setText(this.number, String(index + 1));
    setText(this.step, String(this.wall.ptzStep ?? ""));
  }

  get isPlaying() {
    return this.element.dataset.state === "playing";
  }

  clear() {
    this.#stop();
    this.card = null;
    this.absent = 0;
    this.type = 0;
    this.high.hidden = true;
    this.note.hidden = true;
    delete this.element.dataset.cameraNum;
    this.video?.remove();
    this.video = null;
    this.#frozen(null);
    this.picture.removeAttribute("src");
    this.picture.hidden = true;
    this.#setState("empty");
    this.bar.hidden = true;
    this.message.replaceChildren(h("p", {}, "点选左侧摄像机，或按 / 搜索"));
  }

  // Of an empty tile: why it is empty.
  explain(words) {
    this.message.prepend(h("p", { "data-testid": "tile-taken-down" }, words));
  }

  // A card, or what a row of the list knows of it; the rest comes with the play address.
  show(card) {
    this.clear();
    this.bar.hidden = false;
    this.attempts = 0;
    this.video = this.#newVideo(card);
    this.#setCard(card);
    this.#connect();
  }

  #newVideo(card) {
    const video = h("video", { playsinline: true, "data-camera-num": card.number, "data-testid": "tile-video" });
    video.muted = true;
    video.disablePictureInPicture = true;
    this.picture.after(video);
    return video;
  }

  #setCard(card) {
    this.card = { ...this.card, ...card };
    this.element.dataset.cameraNum = this.video.dataset.cameraNum = this.card.number;
    this.state.dataset.state = this.card.state;
    this.state.title = STATES[this.card.state] ?? "";
    shield(this.shield, this.card.road);
    setText(this.stake, this.card.stake);
    setText(this.direction, this.card.direction);
    setText(this.kind, ` ${this.card.place}`);
    const wrong = this.card.quality ?? "";
    this.wrong.hidden = !wrong;
    this.wrong.title = `画质：${wrong}`;
    setText(this.wrong.lastChild, wrong);
    this.element.setAttribute("aria-label", `${this.index + 1} 号画面 ${this.card.name}`);
    const url = this.card.picture?.url;
    if (url && !this.lastFrame && this.picture.getAttribute("src") !== url) {
      this.picture.src = url;
      this.picture.hidden = false;
    }
  }

  #setState(state) {
    this.element.dataset.state = state;
    this.element.classList.remove("is-stale");
    if (this.video) this.video.dataset.state = state;
    if (state !== "playing") setText(this.rate, "");
    this.wall.told(this);
  }

  #stop() {
    this.run += 1;
    clearTimeout(this.retryTimer);
    this.leave?.();
    this.player?.destroy();
    this.player = null;
    this.#dropWarming();
  }

  #dropWarming() {
    this.warming?.player.destroy();
    this.warming?.video.remove();
    this.warming = null;
  }

  async #connect() {
    this.#stop();
    const run = this.run;
    this.startedAt = performance.now();
    this.#setState("connecting");
    this.elapsed = h("h3", { class: "mono" });
    this.explained = h("p", {}, "");
    this.message.replaceChildren(h("div", { class: "tile-progress" }), this.elapsed, this.explained);
    this.tick();
    if (!canPlay()) return this.#fault("此浏览器不支持 MSE 播放", "", false);
    const leave = await starts.enter();
    if (run !== this.run) return leave();
    this.leave = leave;
    try {
      const playing = await post(`/cameras/${this.card.id}/play/`, { type: this.type });
      if (run !== this.run) return undefined;
      this.#setCard(playing.card);
      this.wall.learned(this);
      const url = addressOf(playing);
      if (url) this.#open(url, leave);
      else this.#offline();
    } catch (error) {
      if (run === this.run) this.#refused(error);
    }
    return undefined;
  }

  #open(url, leave) {
    setTimeout(leave, START_PLACE_MS);
    this.player = new Player(this.video, url, {
      onPlaying: () => this.#playing(leave),
      onRate: (kilobits) => this.isPlaying && setText(this.rate, `${kilobits} kbps`),
      onFailed: (words) => this.#lost(words),
    });
  }

  #playing(leave) {
    leave();
    this.attempts = 0;
    this.#frozen(null);
    this.message.replaceChildren();
    this.#setState("playing");
    this.high.hidden = this.type !== 1;
  }

  #refused(error) {
    this.leave?.();
    const isGone = error.status === 404 || error.status === 403;
    this.#fault(error.message, "", !isGone);
  }

  // The stream is gone: keep its last frame, ask the platform what it knows, try again later.
  async #lost(words) {
    const run = this.run;
    const wasPlaying = this.isPlaying;
    if (wasPlaying) this.#frozen(this.grab());
    this.leave?.();
    if (this.type === 1 && !this.warming) {
      this.tell(`高码流中断：${words}，已切回低码流`);
      this.type = 0;
      this.wall.told(this);
      return this.#connect();
    }
    if (wasPlaying) return this.#connect();
    let told = {};
    try {
      told = await get(`/cameras/${this.card.id}/`);
    } catch (error) {
      told = { push_error: error.message };
    }
    if (run !== this.run) return undefined;
    if (told.card) this.#setCard(told.card);
    if (told.card?.state === "offline") return this.#offline();
    const isFaulty = told.card?.state === "fault";
    const absent = told.card && !told.card.has_stream ? "未收到网关推流" : "";
    const reason = told.push_error || (isFaulty ? told.card.reason : "") || absent || words;
    return this.#fault(isFaulty ? "设备故障" : "取流失败", reason, true);
  }

  #offline() {
    this.#stop();
    this.#setState("offline");
    this.title = h("h3", {});
    this.detail = h("p", {});
    const button = this.card.picture ? h("button", { class: "button", type: "button", "data-testid": "tile-snapshots" }, "查看截图") : null;
    button?.addEventListener("click", () => this.wall.wantsPictures(this));
    this.message.replaceChildren(icon(...CAMERA_OFF), this.title, this.detail, ...(button ? [button] : []));
    this.tick();
  }

  #fault(title, reason, willRetry) {
    this.#stop();
    this.attempts += 1;
    this.#setState("fault");
    this.detail = h("p", { "data-testid": "tile-reason" }, reason);
    this.countdown = h("p", { "data-testid": "tile-countdown" });
    const button = h("button", { class: "button", type: "button", "data-testid": "tile-retry" }, "立即重试");
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      this.#connect();
    });
    this.message.replaceChildren(icon(...TRIANGLE), h("h3", {}, title), this.detail, this.countdown, button);
    this.retryAt = null;
    if (willRetry) {
      const wait = BACKOFF_SECONDS[Math.min(this.attempts, BACKOFF_SECONDS.length) - 1] * (0.9 + Math.random() * 0.2);
      this.retryAt = performance.now() + wait * 1000;
      this.retryTimer = setTimeout(() => this.#connect(), wait * 1000);
    }
    this.tick();
  }

  // Several times a second, for what counts seconds.
  tick() {
    const state = this.element.dataset.state;
    if (state === "playing") this.#tickPlaying();
    else if (state === "connecting") this.#tickConnecting();
    else if (state === "fault") this.#tickFault();
    else if (state === "offline") this.#tickOffline();
  }

  #tickPlaying() {
    const age = this.player.age;
    const isStale = age > FRESH_MS;
    if (isStale !== this.element.classList.contains("is-stale")) {
      this.element.classList.toggle("is-stale", isStale);
      this.elapsed = h("h3", { class: "mono" });
      this.message.replaceChildren(...(isStale ? [h("div", { class: "tile-progress" }), this.elapsed, h("p", {}, "底图为最后一帧")] : []));
    }
    if (isStale) setText(this.elapsed, `等待新画面 ${(age / 1000).toFixed(1)} s`);
  }

  #tickConnecting() {
    const elapsed = performance.now() - this.startedAt;
    setText(this.elapsed, `连接中 ${(elapsed / 1000).toFixed(1)} s`);
    if (elapsed > EXPLAIN_AFTER_MS) setText(this.explained, this.type ? "高码流按需启动，正在等待网关推流" : "正在等待网关推流");
  }

  #tickFault() {
    const seconds = Math.max(0, Math.ceil((this.retryAt - performance.now()) / 1000));
    setText(this.countdown, this.retryAt ? `第 ${this.attempts} 次重试 ${seconds} s 后` : "");
  }

  #tickOffline() {
    const { since, picture, reason } = this.card;
    const seconds = since ? nowSeconds() - since : 0;
    setText(this.title, !since ? STATES[this.card.state] : seconds < 5 ? "刚刚离线" : `离线 ${duration(seconds)}`);
    const last = this.lastFrame ? "底图为断开前最后一帧" : picture ? `底图为最后画面 ${moment(picture.at)}` : "暂无截图";
    setText(this.detail, [since ? `${moment(since)} 起` : "", last].filter(Boolean).join(" · "));
    this.detail.title = reason ?? "";
  }

  // What the state poll says of this camera.
  update(raw) {
    if (!this.card) return;
    const before = this.card.state;
    this.#setCard(raw);
    if (raw.state === before) return;
    const state = this.element.dataset.state;
    if (raw.state === "online" && (state === "offline" || state === "fault")) this.#connect();
    else if (raw.state === "offline" && (state === "fault" || state === "connecting")) this.#offline();
  }

  // High or low stream. The picture stays until the other stream shows its first frame.
  async setType(type) {
    if (!this.card || this.type === type) return;
    this.type = type;
    this.wall.told(this);
    if (!this.isPlaying) {
      this.#connect();
      return;
    }
    this.#dropWarming();
    const run = this.run;
    const name = type === 1 ? "高码流" : "低码流";
    this.tell(`正在切换${name}…`, 15_000);
    try {
      const playing = await post(`/cameras/${this.card.id}/play/`, { type });
      if (run !== this.run || this.type !== type) return;
      const url = addressOf(playing);
      if (!url) throw new Error("摄像机离线");
      this.#warm(url, name);
    } catch (error) {
      if (run === this.run) this.#switchFailed(name, error.message);
    }
  }

  #warm(url, name) {
    const video = this.#newVideo(this.card);
    video.classList.add("is-warming");
    const before = this.player;
    const player = new Player(video, url, {
      onPlaying: () => {
        this.warming = null;
        before?.destroy();
        this.video.remove();
        this.video = video;
        this.player = player;
        video.classList.remove("is-warming");
        this.high.hidden = this.type !== 1;
        this.note.hidden = true;
        this.#setState("playing");
      },
      onRate: (kilobits) => this.player === player && setText(this.rate, `${kilobits} kbps`),
      // The next stream may be warming already when this one, shown by then, ends.
      onFailed: (words) => (this.warming?.player === player ? this.#switchFailed(name, words) : this.#lost(words)),
    });
    this.warming = { player, video };
  }

  #switchFailed(name, words) {
    this.#dropWarming();
    this.type = this.type === 1 ? 0 : 1;
    this.tell(`${name}未能打开：${words}`);
    this.wall.told(this);
  }

  tell(words, milliseconds = NOTE_MS) {
    setText(this.note, words);
    this.note.hidden = false;
    clearTimeout(this.noteTimer);
    this.noteTimer = setTimeout(() => (this.note.hidden = true), milliseconds);
  }

  // The present frame as a canvas, null when nothing plays.
  grab() {
    const { videoWidth, videoHeight } = this.video ?? {};
    if (!videoWidth) return null;
    const canvas = h("canvas", { width: videoWidth, height: videoHeight });
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    return canvas;
  }

  #frozen(canvas) {
    this.lastFrame?.remove();
    this.lastFrame = canvas;
    if (!canvas) return;
    canvas.className = "tile-picture";
    this.picture.after(canvas);
    this.picture.hidden = true;
  }
}
