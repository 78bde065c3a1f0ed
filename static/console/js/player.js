// One stream in one video element, by WebSocket-FLV. Options: first frame in tens of ms, lag under a second.

import { quietLoader } from "./loader.js";

const OPTIONS = {
  enableWorker: false,
  enableStashBuffer: false,
  stashInitialSize: 16,
  liveBufferLatencyChasing: true,
  liveBufferLatencyMaxLatency: 1.0,
  liveBufferLatencyMinRemain: 0.3,
  lazyLoad: false,
  autoCleanupSourceBuffer: true,
  autoCleanupMaxBackwardDuration: 20,
  autoCleanupMinBackwardDuration: 8,
};
// The media server lets a viewer wait up to 8 s for a stream that is being begun.
const FIRST_FRAME_MS = 10_000;
const STALL_MS = 6_000;
// Looks (two a second) over which the bit rate is told.
const RATE_SAMPLES = 10;

export const canPlay = () => Boolean(window.mpegts?.isSupported());

// Calls back: onPlaying() at the first frame, onRate(kbit/s), onFailed(words) once.
export class Player {
  constructor(video, url, { onPlaying, onRate, onFailed }) {
    this.video = video;
    this.onPlaying = onPlaying;
    this.onRate = onRate;
    this.onFailed = onFailed;
    this.isPlaying = false;
    this.isDead = false;
    this.startedAt = performance.now();
    this.position = -1;
    this.movedAt = this.startedAt;
    this.drawnAt = this.startedAt;
    this.bytes = 0;
    this.samples = [];
    mpegts.LoggingControl.enableAll = false;
    this.engine = mpegts.createPlayer({ type: "flv", isLive: true, hasAudio: false, hasVideo: true, url }, { ...OPTIONS, customLoader: quietLoader((bytes) => (this.bytes += bytes)) });
    this.#listen();
    this.engine.attachMediaElement(video);
    this.engine.load();
    this.#play();
    this.watch = setInterval(() => this.#look(), 500);
  }

  #listen() {
    const { Events, ErrorTypes } = mpegts;
    this.engine.on(Events.ERROR, (type, detail) => {
      this.#fail(type === ErrorTypes.MEDIA_ERROR ? `画面无法解码（${detail}）` : "媒体服务器拒绝或中断了连接");
    });
    this.engine.on(Events.LOADING_COMPLETE, () => this.#fail("视频流已中断"));
    this.#awaitFrame();
    // A hidden tab draws no frames, but its time runs. In a visible one it runs before the first frame is there.
    const onTime = () => {
      const isBlind = document.hidden || !this.video.requestVideoFrameCallback;
      if (isBlind && this.video.currentTime > 0) this.#first();
    };
    this.video.addEventListener("timeupdate", onTime);
    this.stopListening = () => this.video.removeEventListener("timeupdate", onTime);
  }

  #awaitFrame() {
    this.video.requestVideoFrameCallback?.(() => {
      if (this.isDead) return;
      this.drawnAt = performance.now();
      this.#first();
      this.#awaitFrame();
    });
  }

  // Milliseconds since a frame was last drawn: what is out of sight, or not sent to, draws none.
  get age() {
    return performance.now() - (this.video.requestVideoFrameCallback ? this.drawnAt : this.movedAt);
  }

  #play() {
    const promise = this.engine.play();
    promise?.catch?.(() => {});
  }

  #first() {
    if (this.isPlaying || this.isDead) return;
    this.isPlaying = true;
    this.stopListening();
    this.movedAt = this.playingAt = performance.now();
    this.onPlaying(performance.now() - this.startedAt);
  }

  // Mean of the last seconds; the first second holds the group of pictures sent at once.
  #rate(now) {
    this.samples.push({ now, bytes: this.bytes });
    if (this.samples.length > RATE_SAMPLES) this.samples.shift();
    const [first] = this.samples;
    if (now - first.now > 1500) this.onRate(Math.round(((this.bytes - first.bytes) * 8) / (now - first.now)));
  }

  #look() {
    const now = performance.now();
    if (this.isPlaying && now - this.playingAt > 1000) this.#rate(now);
    if (!this.isPlaying) {
      if (now - this.startedAt > FIRST_FRAME_MS) this.#fail("等待首帧超时");
      return;
    }
    if (this.video.currentTime !== this.position || document.hidden) {
      this.position = this.video.currentTime;
      this.movedAt = now;
    } else if (now - this.movedAt > STALL_MS) {
      this.#fail("画面停滞，未收到新数据");
    } else if (this.video.paused) {
      this.#play();
    }
  }

  #fail(words) {
    if (this.isDead || this.hasFailed) return;
    this.hasFailed = true;
    // First tell: the last frame can be kept only while the engine still holds the video.
    this.onFailed(words);
    this.destroy();
  }

  destroy() {
    if (this.isDead) return;
    this.isDead = true;
    clearInterval(this.watch);
    this.stopListening();
    this.engine.destroy();
  }
}
