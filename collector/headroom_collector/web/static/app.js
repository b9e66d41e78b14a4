// Keeps the page up to date: asks for one JSON document every 5 s and puts its texts in place.
"use strict";

(() => {
  const PERIOD = 5000;
  const PATIENCE = 10000;
  const LISTS = ["alerts", "clusters", "hosts"];
  // What a row may set; anything else in a template would be a mistake.
  const SETTABLE = new Set(["class", "title", "width", "d", "datetime", "hidden"]);

  const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const today = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
  const lost = document.getElementById("lost");
  const at = document.getElementById("at");
  const filter = document.getElementById("filter");
  const rows = Object.fromEntries(LISTS.map((name) => [name, new Map()]));

  // Times come in UTC; people read their own zone and find UTC in the title.
  function local(element) {
    const time = new Date(element.dateTime);
    if (element.dateTime && !Number.isNaN(time.getTime())) {
      element.title = element.dateTime;
      element.textContent = (element === at ? today : zone).format(time);
    }
  }

  // The places in a part of the page that figures go to, found once.
  function places(root) {
    const found = [];
    for (const element of [root, ...root.querySelectorAll("*")]) {
      const text = element.dataset.f;
      const pairs = (element.dataset.a || "").split(" ").filter(Boolean);
      const attributes = pairs.map((pair) => pair.split(":")).filter(([name]) => SETTABLE.has(name));
      if (text || attributes.length) {
        found.push({ element, text, attributes });
      }
    }
    return found;
  }

  function put(found, values) {
    for (const { element, text, attributes } of found) {
      for (const [name, key] of attributes) {
        const value = values[key];
        if (!value) {
          element.removeAttribute(name);
        } else if (element.getAttribute(name) !== value) {
          element.setAttribute(name, value);
        }
      }
      if (element instanceof HTMLTimeElement && element.dateTime) {
        local(element);
      } else if (text && element.textContent !== values[text]) {
        element.textContent = values[text];
      }
    }
  }

  function make(name) {
    const template = document.getElementById(`${name}-row`);
    const element = template.content.firstElementChild.cloneNode(true);
    return { element, found: places(element) };
  }

  // Rows keep their element while their key stays, so nothing flickers and a selection holds.
  function list(name, values) {
    const body = document.getElementById(name);
    const old = rows[name];
    const now = new Map();
    for (const row of values) {
      const made = old.get(row.key) || make(name);
      put(made.found, row);
      now.set(row.key, made);
    }
    const wanted = [...now.values()].map((made) => made.element);
    const same = body.children.length === wanted.length && wanted.every((one, i) => body.children[i] === one);
    if (!same) {
      body.replaceChildren(...wanted);
    }
    rows[name] = now;
  }

  function sift() {
    const wanted = filter.querySelector("input").value.trim().toLowerCase();
    let left = 0;
    const all = document.getElementById("hosts").children;
    for (const row of all) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      left += row.hidden ? 0 : 1;
    }
    const none = document.getElementById("no-match");
    const text = wanted && !left ? none.dataset.text : "";
    if (none.textContent !== text) {
      none.textContent = text;
    }
  }

  const fixed = places(document.body);

  function show(view) {
    put(fixed, view.texts);
    for (const name of LISTS) {
      list(name, view.lists[name]);
    }
    sift();
    lost.hidden = true;
    lost.textContent = "";
    document.documentElement.dataset.live = "yes";
  }

  function fail() {
    document.documentElement.dataset.live = "no";
    if (lost.hidden) {
      lost.hidden = false;
      lost.textContent = lost.dataset.text.replace("{time}", at.textContent);
    }
  }

  async function refresh() {
    try {
      const options = { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) };
      const answer = await fetch("/view.json", options);
      if (!answer.ok) {
        throw new Error(`${answer.status}`);
      }
      show(await answer.json());
    } catch {
      fail();
    }
  }

  async function keep() {
    if (!document.hidden) {
      await refresh();
    }
    setTimeout(keep, PERIOD);
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      refresh();
    }
  });
  filter.addEventListener("input", sift);
  filter.hidden = false;
  document.querySelectorAll("time").forEach(local);
  keep();
})();
