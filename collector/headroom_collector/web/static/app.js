// Keeps the page up to date: asks for the same document again and puts into place what changed.
import { draw, isChart, redraw } from "./charts.js";

const PATIENCE = 10000;
const SIFT_AFTER = 300;

// The reader's own habits within the page's language: 21:00 in London, 9:00 pm in New York.
const lang = document.documentElement.lang;
const habits = navigator.languages.find((name) => name.startsWith(lang)) || lang;
const clock = new Intl.DateTimeFormat(habits, { timeStyle: "medium" });
const zone = new Intl.DateTimeFormat(habits, { dateStyle: "medium", timeStyle: "short" });
const lost = document.getElementById("lost");
const main = document.getElementById("content");

// Times come in UTC; people read their own zone and find UTC in the title.
function local(root) {
  for (const element of root.querySelectorAll("time")) {
    if (element.dataset.seconds) {
      element.dateTime = new Date(element.dataset.seconds * 1000).toISOString();
    }
    const time = new Date(element.dateTime);
    if (element.dateTime && !Number.isNaN(time.getTime())) {
      element.title = element.dateTime.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC");
      element.textContent = (element.classList.contains("clock") ? clock : zone).format(time);
    }
  }
}

const keep = {
  morphStyle: "innerHTML",
  ignoreActiveValue: true,
  callbacks: {
    // A chart that a script draws stays; it fetches its own points. So does what a reader opened.
    beforeNodeMorphed(old) {
      return !(old instanceof Element && isChart(old));
    },
    beforeAttributeUpdated(name, node) {
      return !(name === "open" && node instanceof HTMLDetailsElement);
    },
  },
};

function put(text) {
  const next = new DOMParser().parseFromString(text, "text/html");
  local(next);
  const wanted = next.getElementById("content");
  if (!wanted) {
    throw new Error("no content");
  }
  Idiomorph.morph(main, wanted.innerHTML, keep);
  for (const id of ["at"]) {
    const [from, to] = [next.getElementById(id), document.getElementById(id)];
    if (from && to) {
      to.replaceWith(document.adoptNode(from));
    }
  }
  lost.hidden = true;
  lost.textContent = "";
  document.documentElement.dataset.live = "yes";
}

function fail(text) {
  document.documentElement.dataset.live = "no";
  if (lost.hidden) {
    const at = document.getElementById("at");
    lost.hidden = false;
    lost.textContent = text.replace("{time}", at ? at.textContent : "");
  }
}

let asking = null;

async function refresh(url = location.href) {
  asking?.abort();
  const mine = new AbortController();
  asking = mine;
  const timer = setTimeout(() => mine.abort("late"), PATIENCE);
  try {
    const answer = await fetch(url, { cache: "no-store", signal: mine.signal });
    if (answer.status === 404) {
      fail(lost.dataset.moved);
      return;
    }
    if (!answer.ok) {
      throw new Error(`${answer.status}`);
    }
    put(await answer.text());
    await redraw(main);
  } catch {
    if (asking === mine) {
      fail(lost.dataset.lost);
    }
  } finally {
    clearTimeout(timer);
  }
}

// A form whose answers are being given is not to be pulled away from under the fingers.
function busy() {
  const active = document.activeElement;
  return Boolean(active && active.closest("form[method=post]"));
}

async function live(seconds) {
  if (!document.hidden && !busy()) {
    await refresh();
  }
  setTimeout(live, seconds * 1000, seconds);
}

// Filters act as they are typed; without a script their button does it.
let sifting = 0;

function sift(form) {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value) {
      asked.set(name, value);
    }
  }
  const url = `${form.action}${asked.size ? `?${asked}` : ""}`;
  history.replaceState(null, "", url);
  refresh(url);
}

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-sift]");
  if (form) {
    clearTimeout(sifting);
    sifting = setTimeout(sift, SIFT_AFTER, form);
  }
});

document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-sift]")) {
    event.preventDefault();
    clearTimeout(sifting);
    sift(event.target);
  }
});

// "/" goes to the filter, as in most lists.
document.addEventListener("keydown", (event) => {
  const search = document.querySelector("input[type=search]");
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && search && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.focus();
  }
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Number(main.dataset.live)) {
    refresh();
  }
});

document.documentElement.classList.add("scripted");
local(document);
draw(main);
if (Number(main.dataset.live)) {
  document.documentElement.dataset.live = "yes";
  setTimeout(live, Number(main.dataset.live) * 1000, Number(main.dataset.live));
}
