// 卷宗: a download leaves the page as it was, so the list of exports is fetched anew until the new one is sealed.

import { byId } from "./dom.js";

const PERIOD_MS = 1500;
// Forty cameras of four days are some minutes on a slow line; later whoever wants to know loads the page.
const MOST_LOOKS = 400;

const list = byId("exports");
let turn = 0;

const newest = () => list.querySelector("[data-export]");

async function look(before, mine, left) {
  if (mine !== turn || !left) return;
  try {
    const response = await fetch(list.dataset.url, { credentials: "same-origin" });
    if (response.ok) {
      const fetched = new DOMParser().parseFromString(await response.text(), "text/html");
      list.replaceChildren(...fetched.body.childNodes);
    }
  } catch {
    // The download itself says that the connection is gone.
  }
  const row = newest();
  const isDone = row && row.dataset.export !== before && row.dataset.sealed;
  if (!isDone) setTimeout(look, PERIOD_MS, before, mine, left - 1);
}

byId("export").addEventListener("submit", () => {
  turn += 1;
  setTimeout(look, PERIOD_MS, newest()?.dataset.export, turn, MOST_LOOKS);
});
