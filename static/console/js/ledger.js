// 点位台账: a chosen file goes up at once, and what is ticked is counted.

import { byId, setText } from "./dom.js";

const file = byId("file");
file?.addEventListener("change", () => {
  if (!file.files.length) return;
  setText(byId("uploading-name"), file.files[0].name);
  byId("uploading").hidden = false;
  file.form.submit();
});

const form = byId("edit");
const ticks = () => [...form.querySelectorAll("input[name=ids]")];

function count() {
  const all = ticks();
  const chosen = all.filter((tick) => tick.checked).length;
  const place = byId("chosen");
  if (place) setText(place, String(chosen));
  const head = byId("all");
  head.checked = chosen > 0 && chosen === all.length;
  head.indeterminate = chosen > 0 && chosen < all.length;
  for (const row of form.querySelectorAll("tbody tr")) row.classList.toggle("is-chosen", Boolean(row.querySelector("input:checked")));
  const bulk = byId("bulk");
  if (bulk && chosen) bulk.open = true;
}

form?.addEventListener("change", ({ target }) => {
  if (target.id === "all") for (const tick of ticks()) tick.checked = target.checked;
  if (target.type === "checkbox") count();
});
// A page that the browser brings back keeps its ticks.
if (form) count();
