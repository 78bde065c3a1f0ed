// 用户与权限: a refusal of the panel is a sentence in the panel; the cell that is open stays marked.

import { byId, h } from "./dom.js";

document.body.addEventListener("htmx:responseError", ({ detail }) => {
  const { xhr } = detail;
  const words = xhr.status < 500 ? xhr.responseText : `没有完成：平台应答 ${xhr.status}`;
  byId("panel").replaceChildren(h("p", { class: "said", role: "alert", "data-good": "false" }, words));
});

document.body.addEventListener("click", ({ target }) => {
  const cell = target.closest?.(".cell, .who button");
  if (!cell) return;
  for (const open of document.querySelectorAll(".matrix [aria-pressed]")) open.removeAttribute("aria-pressed");
  cell.setAttribute("aria-pressed", "true");
});
