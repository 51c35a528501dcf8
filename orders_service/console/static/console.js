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

// How long ago or in how long: a page that stays open stays true. The server's clock counts, not the reader's.
const ahead = Date.now() - Date.parse(document.body.dataset.now);

function lasted(seconds) {
  for (const [most, unit, name] of [[60, 1, "s"], [3600, 60, "min"], [172800, 3600, "h"]]) {
    if (seconds < most) return `${Math.round(seconds / unit)} ${name}`;
  }
  return `${Math.round(seconds / 86400)} days`;
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[title]")) {
    const seconds = (Date.now() - ahead - Date.parse(time.dateTime)) / 1000;
    time.textContent = seconds < 0 ? `in ${lasted(-seconds)}` : `${lasted(seconds)} ago`;
  }
}, 1000);
