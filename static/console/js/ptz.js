// Turning the selected camera: press and it moves, let go and it stops, whatever ends the press.

import { post } from "./api.js";
import { byId, toast } from "./dom.js";

const STOP = 0;
const STOP_LENS = 13;
const REPEAT_MS = 300;
const LIGHTS = new Set([11, 12]);
// Focus and iris have a stop of their own.
const LENS = new Set([7, 8, 9, 10]);
const KEYS = {
  ArrowLeft: 1, ArrowRight: 2, ArrowUp: 3, ArrowDown: 4,
  "-": 5, _: 5, "+": 6, "=": 6, z: 7, x: 8, c: 9, v: 10,
};

export class Pad {
  constructor({ onAnswer, onStep }) {
    this.onAnswer = onAnswer;
    this.onStep = onStep;
    this.camera = null;
    this.held = null;
    this.step = Number(localStorage.getItem("ptz-step")) || 4;
    for (const button of document.querySelectorAll("#ptz-open [data-action]")) this.#bind(button);
    byId("steps").addEventListener("click", (event) => {
      const { step } = event.target.dataset;
      if (step) this.setStep(Number(step));
    });
    addEventListener("blur", () => this.release());
    addEventListener("pagehide", () => this.release());
    document.addEventListener("visibilitychange", () => document.hidden && this.release());
    addEventListener("keyup", (event) => this.held?.key === keyOf(event) && this.release());
    this.setStep(this.step);
  }

  #bind(button) {
    const action = Number(button.dataset.action);
    button.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      this.press(action, { button });
      // Without the implicit capture of touch, so that leaving the button is seen.
      button.releasePointerCapture?.(event.pointerId);
    });
    for (const end of ["pointerup", "pointerleave", "pointercancel"]) {
      button.addEventListener(end, () => this.held?.button === button && this.release());
    }
    button.addEventListener("contextmenu", (event) => event.preventDefault());
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      if (!event.repeat) this.press(action, { button, key: keyOf(event) });
    });
  }

  setStep(step) {
    if (!(step >= 1 && step <= 8)) return;
    this.step = step;
    localStorage.setItem("ptz-step", String(step));
    byId("pad-step").textContent = String(step);
    for (const button of byId("steps").querySelectorAll("button")) {
      const own = Number(button.dataset.step);
      button.setAttribute("aria-pressed", String(own === step));
      button.classList.toggle("is-under", own < step);
    }
    this.onStep(step);
  }

  // The camera under control, null when none may be turned.
  control(card) {
    if (card?.id === this.camera?.id) return;
    this.release();
    this.camera = card;
  }

  // True when the key was meant for us.
  onKey(event, isArmed) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.camera) return false;
    if (/^[1-8]$/.test(event.key)) {
      this.setStep(Number(event.key));
      return true;
    }
    const action = KEYS[keyOf(event)];
    if (!action || !isArmed) return false;
    if (!event.repeat) this.press(action, { key: keyOf(event) });
    return true;
  }

  press(action, { button = null, key = null }) {
    if (!this.camera) return;
    if (this.held) this.release();
    const lit = button ?? document.querySelector(`#ptz-open [data-action="${action}"]`);
    lit?.classList.add("is-held");
    this.held = { action, button, key, lit, hasMoved: false };
    this.#order(this.camera, this.held);
    if (!LIGHTS.has(action)) this.timer = setInterval(() => this.#order(this.camera, this.held), REPEAT_MS);
  }

  release() {
    const { held } = this;
    if (!held) return;
    clearInterval(this.timer);
    held.lit?.classList.remove("is-held");
    this.held = null;
    if (!LIGHTS.has(held.action)) this.#stop(this.camera, held);
  }

  // One order at a time: on a slow line repeats are left out, they never queue up behind the release.
  async #order(camera, held) {
    if (this.sending) return;
    this.sending = this.#send(camera, held.action);
    const isDone = await this.sending;
    this.sending = null;
    // Unknown (null) may have moved as well.
    held.hasMoved ||= isDone !== false;
    if (!isDone && this.held === held) this.release();
  }

  async #stop(camera, held) {
    // Overtaking the order under way would stop first and move then.
    await this.sending;
    await null;
    const stop = stopOf(held.action);
    if (!held.hasMoved) return;
    if (this.held && this.camera === camera && stopOf(this.held.action) === stop) {
      // Taken over, perhaps by a press too short to be sent: whichever moved it, the last release stops it.
      this.held.hasMoved = true;
      return;
    }
    await this.#send(camera, stop, { keepalive: true });
  }

  // True when it was carried out, false when refused, null when nobody knows.
  async #send(camera, action, options = {}) {
    try {
      const result = await post(`/cameras/${camera.id}/ptz/`, { action, step: this.step }, options);
      if (camera === this.camera) this.onAnswer(result, action);
      return result.is_done;
    } catch (error) {
      this.onAnswer({ is_done: false, message: error.message, control: null }, action);
      if (error.status !== 0) return false;
      toast("云台指令未送达：与平台的连接中断");
      return null;
    }
  }
}

const stopOf = (action) => (LIGHTS.has(action) ? null : LENS.has(action) ? STOP_LENS : STOP);
const keyOf = (event) => (event.key.length === 1 ? event.key.toLowerCase() : event.key);
