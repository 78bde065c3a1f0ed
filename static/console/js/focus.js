// Keys of the wall go on working after a click: what the mouse has pressed does not keep the focus.

const PRESSED = "button, [type=checkbox], [type=radio]";
// Menus keep theirs, and so do the branches of the tree, which arrows walk along.
const KEEPS = "dialog, [popover], .node-row";

export function leaveWithMouse() {
  let isMouse = false;
  addEventListener("pointerdown", () => (isMouse = true), true);
  addEventListener("keydown", () => (isMouse = false), true);
  // Before the click does anything: a menu or a dialog gives the focus back to what had it.
  addEventListener("click", () => isMouse && leave(PRESSED), true);
  addEventListener("change", () => isMouse && leave("select"), true);
}

// The control of `kinds` that a key was meant for. What a dialog took with it when it closed keeps the focus for a moment more.
export function holder({ target }, kinds) {
  const held = target.closest?.(kinds);
  return held?.checkVisibility() ? held : null;
}

function leave(kinds) {
  const { activeElement } = document;
  if (activeElement?.matches(kinds) && !activeElement.closest(KEEPS)) activeElement.blur();
}
