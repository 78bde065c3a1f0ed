// Pages that store a password: to make it hard to guess takes the platform a second or more, so they say that it is at
// work, and are sent only once.

for (const form of document.querySelectorAll("form#user_form")) {
  const row = form.querySelector(".submit-row");
  const said = document.createElement("p");
  said.className = "quiet";
  said.setAttribute("role", "status");
  row.append(said);
  let isSent = false;
  form.addEventListener("submit", (event) => {
    // The buttons stay as they are: which of them was pressed goes along with the form.
    if (isSent) event.preventDefault();
    isSent = true;
    said.textContent = "正在保存，密码加密需要一两秒…";
  });
  // Back from the next page by the browser's history.
  addEventListener("pageshow", () => {
    isSent = false;
    said.textContent = "";
  });
}
