// Keys of the main screen beyond those that turn a camera.

import { holder } from "./focus.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// `acts` has a method for each thing a key does; whether the key was meant for the screen.
export function onScreenKey(event, { wall, tour, presets, acts }) {
  if (event.ctrlKey || event.metaKey) return false;
  if (event.altKey) return onAltKey(event, presets);
  // What has the focus is pressed by these two itself.
  if ([" ", "Enter"].includes(event.key) && holder(event, "button, a, summary, [type=checkbox], [type=radio]")) return false;
  if (tour.isRunning && onTourKey(event, tour)) return true;
  if (ARROWS[event.key] && !wall.isArmed) {
    wall.step(...ARROWS[event.key]);
    return true;
  }
  const act = {
    "/": acts.search, f: acts.fullscreen, k: acts.kiosk, p: acts.presets, l: acts.tour, "?": acts.keys, "[": acts.fewer, "]": acts.more,
    h: acts.high, s: acts.grab, m: acts.magnify, Enter: acts.control, Delete: acts.remove, Escape: acts.leave,
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  act?.();
  return Boolean(act);
}

function onAltKey(event, presets) {
  // The digit row, whatever Alt makes of it on this keyboard.
  const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
  if (digit) presets.chooseNth(Number(digit));
  return Boolean(digit);
}

function onTourKey({ key }, tour) {
  if (key === " ") tour.pause();
  else if (key === "PageUp") tour.turn(-1);
  else if (key === "PageDown") tour.turn(1);
  else return false;
  return true;
}
