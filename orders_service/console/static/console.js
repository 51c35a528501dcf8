// What pages cannot do without a script: ask before something is done, copy, and say that live updates have stopped.
"use strict";

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// The clipboard API needs a secure context, which plain HTTP on another machine is not.
function copy(button) {
  const field = document.createElement("textarea");
  field.value = button.dataset.copy;
  field.className = "unseen";
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  button.focus();
  const before = button.textContent;
  button.textContent = done ? "Copied" : "Press Ctrl-C";
  setTimeout(() => { button.textContent = before; }, 1500);
}

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = document.body.dataset.token || "";
});

for (const [name, live] of [["htmx:sseOpen", true], ["htmx:sseError", false], ["htmx:sseClose", false]]) {
  document.addEventListener(name, () => document.documentElement.classList.toggle("live", live));
}
