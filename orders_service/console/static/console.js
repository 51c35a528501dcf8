// What pages cannot do without a script: ask before something is done, do it once, copy, and say whether they are live.
"use strict";

// Of two clicks the second does nothing, unless the first has led nowhere.
const LEADS_SOMEWHERE_MS = 10000;
let sent = new WeakSet();

document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = form.dataset.confirm;
  if (sent.has(form) || (question && !window.confirm(question))) {
    event.preventDefault();
  } else if (form.method === "post") {
    sent.add(form);
    setTimeout(() => sent.delete(form), LEADS_SOMEWHERE_MS);
  }
});

window.addEventListener("pageshow", () => { sent = new WeakSet(); });

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

for (const [name, live, lost] of [["htmx:sseOpen", true, false], ["htmx:sseError", false, true], ["htmx:sseClose", false, true]]) {
  document.addEventListener(name, () => {
    document.documentElement.classList.toggle("live", live);
    document.documentElement.classList.toggle("lost", lost);
  });
}

// On a phone the views are a strip that is wider than the page.
const view = document.querySelector("header nav [aria-current]");
if (view) view.parentElement.scrollLeft = view.offsetLeft - view.parentElement.offsetLeft - 16;

// A browser has six connections to a server, for all its tabs together: one that nobody sees gives its own back.
const connect = htmx.createEventSource;
let awake = new Set();
let asleep = new Set();

htmx.createEventSource = (url) => {
  const stream = connect(url);
  awake = new Set([...awake].filter((each) => each.readyState !== EventSource.CLOSED)).add(stream);
  if (document.hidden) fallAsleep();
  return stream;
};

function fallAsleep() {
  for (const stream of awake) {
    if (stream.readyState === EventSource.CLOSED) continue;
    stream.close();
    asleep.add(stream);
  }
  awake = new Set();
}

// What connects again after an error does so now.
function wakeUp() {
  for (const stream of asleep) stream.onerror(new Event("error"));
  asleep = new Set();
}

document.addEventListener("visibilitychange", () => (document.hidden ? fallAsleep() : wakeUp()));

// What is replaced under somebody's hands: the focus, what is half typed and what was unfolded come back.
const TOUCHED = "a[href], button, input, select, textarea, summary, details";
let held = [];

function nameOf(element) {
  const words = element.matches("button, summary") ? element.textContent.trim() : "";
  const form = element.form ? element.form.getAttribute("action") : "";
  return [element.tagName, element.id, element.getAttribute("href"), element.name, form, words].join(" ");
}

function hold(root) {
  held = [];
  for (const each of root.querySelectorAll(TOUCHED)) {
    const typed = each.matches("input:not([type=hidden]), textarea") && each.value !== each.defaultValue;
    const isHere = each === document.activeElement;
    if (typed || isHere || each.open) held.push({ name: nameOf(each), value: typed ? each.value : null, isHere, open: each.open });
  }
}

function giveBack(root) {
  for (const each of root ? root.querySelectorAll(TOUCHED) : []) {
    const was = held.find((one) => one.name === nameOf(each));
    if (!was) continue;
    if (was.value !== null) each.value = was.value;
    if (was.open) each.open = true;
    if (was.isHere && document.activeElement !== each) each.focus({ preventScroll: true });
    was.isHere = false;
  }
  held = [];
}

// A stream begins with everything again: what is as it was stays as it is.
function isAsItWas(part, html) {
  const was = part.cloneNode(true);
  const news = document.createElement("template");
  news.innerHTML = html;
  for (const each of [was, news.content]) forgetWhatScriptsDid(each);
  return was.innerHTML === news.innerHTML;
}

function forgetWhatScriptsDid(part) {
  for (const time of part.querySelectorAll("time[title]")) time.textContent = "";
  for (const each of part.querySelectorAll('[class=""]')) each.removeAttribute("class");
  for (const each of part.querySelectorAll("details[open]")) each.removeAttribute("open");
}

document.addEventListener("htmx:sseBeforeMessage", (event) => {
  if (isAsItWas(event.target, event.detail.data)) event.preventDefault();
  else hold(event.target);
});
document.addEventListener("htmx:sseMessage", (event) => giveBack(event.target));
document.addEventListener("htmx:beforeSwap", (event) => hold(event.detail.target));
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target) giveBack(document.getElementById(event.detail.target.id));
});

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
