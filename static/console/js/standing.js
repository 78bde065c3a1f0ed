// 部级对接, 视频上云: what the parts that update themselves must not take away from a person.

import { byId, h } from "./dom.js";

// What was unfolded stays so, although the server does not know of it; what was said stays until more is said.
window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) => !(name === "open" && element.tagName === "DETAILS");
window.Idiomorph.defaults.callbacks.beforeNodeMorphed = (old, fresh) => !(old.classList?.contains("said") && !fresh.hasChildNodes());

// A poll keeps the session alive only while somebody is there.
let isActive = true;
for (const kind of ["pointerdown", "pointermove", "keydown", "wheel"]) {
  addEventListener(kind, () => (isActive = true), { passive: true });
}
document.body.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb !== "get" || !isActive) return;
  detail.parameters.active = "1";
  isActive = false;
});

const showBroken = (isBroken) => (byId("broken").hidden = !isBroken);
for (const kind of ["sendError", "timeout"]) document.body.addEventListener(`htmx:${kind}`, () => showBroken(true));
document.body.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) showBroken(false);
});

// A refusal is a sentence.
document.body.addEventListener("htmx:responseError", ({ detail }) => {
  const { xhr, requestConfig } = detail;
  if (requestConfig.verb === "get") {
    showBroken(xhr.status >= 500);
    return;
  }
  const said = requestConfig.elt.closest(".standing")?.querySelector(".said");
  if (!said) return;
  said.dataset.good = "false";
  said.replaceChildren(h("span", {}, xhr.status < 500 ? xhr.responseText : `没有完成：平台应答 ${xhr.status}`));
});
