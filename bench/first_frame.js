// What bench/first_frame.py asks of a page of the console: players of several kinds, and when each showed its first frame.

import { Gate } from "/static/console/js/gate.js";
import { Player } from "/static/console/js/player.js";

const GIVE_UP_MS = 15_000;
const STARTS_AT_ONCE = 25;
const COLUMNS = 5;

function newVideo(index = 0) {
  const video = document.createElement("video");
  video.muted = true;
  const [left, top] = [(index % COLUMNS) * 250, Math.floor(index / COLUMNS) * 140];
  // A video outside the window is never drawn.
  video.style.cssText = `position:fixed; z-index:9; left:${left}px; top:${top}px; width:240px; height:135px`;
  document.body.append(video);
  return video;
}

function consolePlayer(video, url, onFailed) {
  return new Player(video, url, { onPlaying() {}, onRate() {}, onFailed });
}

// The console's player and options, but the library's own loader: HTTP instead of WebSocket.
function httpPlayer(video, url, onFailed) {
  const { createPlayer } = mpegts;
  mpegts.createPlayer = (source, { customLoader, ...options }) => createPlayer.call(mpegts, source, options);
  try {
    return consolePlayer(video, url, onFailed);
  } finally {
    mpegts.createPlayer = createPlayer;
  }
}

function defaultPlayer(video, url) {
  const player = mpegts.createPlayer({ type: "flv", isLive: true, url });
  player.attachMediaElement(video);
  player.load();
  player.play();
  return player;
}

function hlsPlayer(video, url) {
  const player = new Hls();
  player.loadSource(url);
  player.attachMedia(video);
  player.on(Hls.Events.MANIFEST_PARSED, () => video.play());
  return player;
}

const PLAYERS = { console: consolePlayer, http: httpPlayer, default: defaultPlayer, hls: hlsPlayer };

// Resolves at the first frame with what is needed to go on or to end.
function start(url, kind, index = 0) {
  const video = newVideo(index);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no frame in ${GIVE_UP_MS} ms`)), GIVE_UP_MS);
    const player = PLAYERS[kind](video, url, (words) => reject(new Error(words)));
    const end = () => {
      player.destroy();
      video.remove();
    };
    video.requestVideoFrameCallback(() => {
      clearTimeout(timer);
      resolve({ at: performance.now(), video, end });
    });
  });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function playUrl({ user, token }, camera, type) {
  const query = new URLSearchParams({ cameraNum: camera, videoType: type, user });
  const answer = await fetch(`/service/video.GetCameraPlayURL?${query}`, { headers: { TAuth: token, AppVersion: "v1.0" } });
  return (await answer.json()).videoRequestUrl[0].flv_url.replace(/^http/, "ws");
}

window.bench = {
  // Milliseconds from play() to the first frame.
  async open(url, kind) {
    const begun = performance.now();
    const started = await start(url, kind);
    // The next one shall not begin while this one is torn down.
    setTimeout(started.end, 50);
    await pause(100);
    return started.at - begun;
  },

  // Milliseconds from asking for the address of a stream to its first frame.
  async ask(partner, camera, type) {
    const begun = performance.now();
    const started = await start(await playUrl(partner, camera, type), "console");
    started.end();
    return started.at - begun;
  },

  // The same for each tile of a wall, -1 where no frame came. As the console: an address just before play.
  async wall(partner, cameras, count) {
    const gate = new Gate(STARTS_AT_ONCE);
    const begun = performance.now();
    const ends = [];
    const one = async (index) => {
      const leave = await gate.enter();
      try {
        const url = await playUrl(partner, cameras[index % cameras.length], 0);
        const started = await start(url, "console", index);
        ends.push(started.end);
        return started.at - begun;
      } catch {
        return -1;
      } finally {
        leave();
      }
    };
    const times = await Promise.all(Array.from({ length: count }, (_, index) => one(index)));
    ends.forEach((end) => end());
    return times;
  },

  // Some frames while they are shown: the time of the clock (unix ms), and grey values of the part at x, y of the
  // stored picture, which the player stretches to its true shape.
  async look(url, [x, y, width, height], columns, count) {
    const started = await start(url, "console");
    // What was sent at once at the start is behind; the player has caught up by then.
    await pause(4000);
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const stretch = started.video.videoWidth / columns;
    const seen = [];
    while (seen.length < count) {
      await new Promise((resolve) => started.video.requestVideoFrameCallback(resolve));
      const now = Date.now();
      context.drawImage(started.video, x * stretch, y, width * stretch, height, 0, 0, width, height);
      const { data } = context.getImageData(0, 0, width, height);
      seen.push([now, Array.from({ length: width * height }, (_, index) => data[index * 4 + 1])]);
      await pause(170);
    }
    started.end();
    return seen;
  },
};
