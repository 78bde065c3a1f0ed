// A small panel that opens below its button, closed by Esc or a click beside it.

export class Menu {
  constructor(button, panel, { onOpen = () => {} } = {}) {
    this.panel = panel;
    button.setAttribute("popovertarget", panel.id);
    panel.addEventListener("beforetoggle", (event) => {
      if (event.newState !== "open") return;
      const { left, bottom } = button.getBoundingClientRect();
      panel.style.top = `${bottom + 4}px`;
      panel.style.left = `${left}px`;
    });
    panel.addEventListener("toggle", (event) => {
      button.setAttribute("aria-expanded", String(event.newState === "open"));
      if (event.newState !== "open") {
        // It got the focus back, and would open again by a key that means the wall.
        button.blur();
        return;
      }
      const over = panel.getBoundingClientRect().right - innerWidth + 8;
      if (over > 0) panel.style.left = `${Math.max(8, panel.getBoundingClientRect().left - over)}px`;
      onOpen();
    });
  }

  get isOpen() {
    return this.panel.matches(":popover-open");
  }

  toggle() {
    this.panel.togglePopover();
  }

  close() {
    if (this.isOpen) this.panel.hidePopover();
  }
}
