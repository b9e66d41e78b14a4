// Draws figures with points of their own with uPlot; without it their drawing and table stay.
const lang = document.documentElement.lang;
const habits = navigator.languages.find((name) => name.startsWith(lang)) || lang;
const drawn = new WeakMap();
const GIB = 2 ** 30;

const number = (digits) => new Intl.NumberFormat(lang, { maximumFractionDigits: digits });
const percent = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 1 });
const UNITS = {
  ratio: (value) => percent.format(value),
  bytes: (value) => `${number(1).format(value / GIB)} ${lang === "fr" ? "Gio" : "GiB"}`,
  watts: (value) => (value >= 10000 ? `${number(1).format(value / 1000)} kW` : `${number(0).format(value)} W`),
  count: (value) => number(1).format(value),
};

export function isChart(element) {
  return element.matches("figure[data-chart]") && drawn.has(element);
}


// Custom properties may hold light-dark(); only a real element says which of the two it is.
function shade(name) {
  const probe = document.createElement("span");
  probe.className = `shade-${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function series(points, format) {
  const lines = points.lines.map((line) => {
    const end = line.kind === "line_low" || line.kind === "line_high";
    return {
      label: line.name,
      stroke: shade(end ? "soft" : "fill"),
      width: end ? 1 : 1.75,
      dash: end ? [3, 3] : undefined,
      fill: end ? undefined : shade("wash"),
      value: (_, value) => (value === null ? "–" : format(value)),
      points: { show: false },
      spanGaps: false,
    };
  });
  if (points.level !== null) {
    lines.push({
      label: points.level_name,
      stroke: shade("ceil"),
      width: 1.5,
      dash: [6, 4],
      points: { show: false },
      value: (_, value) => (value === null ? "–" : format(value)),
    });
  }
  return lines;
}

function columns(points) {
  const found = [points.times, ...points.lines.map((line) => line.values)];
  if (points.level !== null) {
    found.push(points.times.map(() => points.level));
  }
  return found;
}

function options(place, points) {
  const format = UNITS[points.unit] || UNITS.count;
  const axis = { stroke: shade("soft"), grid: { stroke: shade("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  return {
    width: Math.max(240, place.clientWidth),
    height: 220,
    cursor: { sync: { key: "headroom" }, drag: { x: true, y: false } },
    legend: { live: true },
    scales: { x: { time: true }, y: { range: (_, low, high) => [0, Math.max(points.high, high || 0)] } },
    axes: [{ ...axis, values: ticks }, { ...axis, size: 74, values: (_, values) => values.map(format) }],
    series: [{ value: (_, time) => (time === null ? "–" : new Date(time * 1000).toLocaleString(habits)) }, ...series(points, format)],
  };
}

// Times as the reader's language writes them; days where the steps are long.
function ticks(_, splits) {
  const long = splits.length > 1 && splits[1] - splits[0] >= 43200;
  const form = new Intl.DateTimeFormat(habits, long ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" });
  return splits.map((time) => form.format(new Date(time * 1000)));
}

async function fetched(figure) {
  const answer = await fetch(figure.dataset.chart, { cache: "no-store" });
  if (!answer.ok) {
    throw new Error(`${answer.status}`);
  }
  return answer.json();
}

async function start(figure) {
  const plot = figure.querySelector(".plot");
  if (!plot || typeof uPlot === "undefined") {
    return;
  }
  const points = await fetched(figure);
  const place = document.createElement("div");
  place.className = "live-plot";
  place.setAttribute("aria-hidden", "true");
  plot.replaceWith(place);
  const chart = new uPlot(options(place, points), columns(points), place);
  drawn.set(figure, chart);
  new ResizeObserver(() => {
    if (Math.abs(place.clientWidth - chart.width) > 1 && place.clientWidth) {
      chart.setSize({ width: place.clientWidth, height: 220 });
    }
  }).observe(place);
}

export async function draw(root) {
  for (const figure of root.querySelectorAll("figure[data-chart]")) {
    if (!drawn.has(figure)) {
      // What cannot be fetched leaves the drawing that the document came with.
      await start(figure).catch(() => {});
    }
  }
}

export async function redraw(root) {
  for (const figure of root.querySelectorAll("figure[data-chart]")) {
    const chart = drawn.get(figure);
    if (!chart) {
      continue;
    }
    const zoomed = chart.scales.x.min > chart.data[0][0] || chart.scales.x.max < chart.data[0].at(-1);
    if (!zoomed) {
      await fetched(figure).then((points) => chart.setData(columns(points))).catch(() => {});
    }
  }
  await draw(root);
}

