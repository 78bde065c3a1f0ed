// Suggestions below a field of 用户与权限: arrows and Enter or a click take one.

const placeOf = (target) => target.closest?.(".pick");

document.body.addEventListener("click", ({ target }) => {
  const choice = target.closest?.(".choices [data-value]");
  if (choice) take(placeOf(choice), choice);
  closeBeside(target);
});

document.body.addEventListener("focusin", ({ target }) => closeBeside(target));

document.body.addEventListener("input", ({ target }) => {
  const words = placeOf(target)?.querySelector(".picked");
  if (words) words.textContent = "";
});

document.body.addEventListener("keydown", (event) => {
  const place = placeOf(event.target);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!place || (!step && event.key !== "Escape")) return;
  const choices = [...place.querySelectorAll(".choices button")];
  if (!choices.length) return;
  event.preventDefault();
  const at = choices.indexOf(event.target) + (step ?? 0);
  if (step && at >= 0) choices[Math.min(at, choices.length - 1)].focus();
  else place.querySelector("input").focus();
  if (!step) place.querySelector(".choices").replaceChildren();
});

function take(place, { dataset }) {
  const input = place.querySelector("input");
  const words = place.querySelector(".picked");
  input.value = dataset.value;
  if (words) words.textContent = dataset.words;
  place.querySelector(".choices").replaceChildren();
  input.focus();
  if (place.hasAttribute("data-submits")) input.form.requestSubmit();
}

function closeBeside(target) {
  for (const list of document.querySelectorAll(".choices")) if (!list.parentElement.contains(target)) list.replaceChildren();
}
