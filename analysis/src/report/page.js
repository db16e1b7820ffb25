// The page: which data goes into which section. What is hidden is hidden in all figures.

const data = JSON.parse(byId("data").textContent);
const shown = data.variants.map((_, index) => index < 12 || data.variants.length <= 20);
const charts = [];
let ids = 0;

const unitOf = (metric) => (metric.unit ? `${metric.label}, ${metric.unit}` : metric.label);
const visible = () => data.variants.map((variant, index) => ({ ...variant, index })).filter((variant) => shown[variant.index]);
const estimateOf = (variant, metric, group) => (group === "all" ? variant.metrics : (variant.groups || {})[group] || {})[metric.key];

function chart(host, spec) {
  ids += 1;
  const made = new Chart(host, { ...spec, id: ids });
  charts.push(made);
  return made;
}

function redraw() {
  for (const one of charts) one.draw();
  drawCauses();
}

function header() {
  byId("question").textContent = data.question || "Results";
  byId("title").textContent = `${data.title ? `${data.title}. ` : ""}${data.runs} run${data.runs === 1 ? "" : "s"} of each` +
    (data.runs > 1 ? "; ± is half of the 95 % interval over runs (Student's t)." : ", so there are no intervals.");
  const toggles = data.variants.map((variant, index) => {
    const button = el("button", { type: "button", "aria-pressed": String(shown[index]), onclick: () => {
      shown[index] = !shown[index];
      button.setAttribute("aria-pressed", String(shown[index]));
      redraw();
    } }, swatch(colourOf(index), dashOf(index)), variant.name);
    return button;
  });
  byId("toggles").append(...toggles);
}

function answer() {
  if (!data.verdict) return;
  byId("answer").hidden = false;
  for (const line of data.verdict) byId("answer").append(el("p", {}, line));
}

function results() {
  const host = byId("table");
  const cell = (estimate, metric) => {
    if (!estimate || estimate.mean === null) return null;
    const half = estimate.half_95 === null ? "" : ` ± ${number(estimate.half_95 * metric.factor)}`;
    return el("span", {}, number(estimate.mean * metric.factor), el("span", { class: "half" }, half));
  };
  const fill = (metrics) => {
    const rows = data.variants.flatMap((variant) => {
      const row = (name, group) => [name, ...metrics.map((metric) => cell(estimateOf(variant, metric, group), metric))];
      return [row(variant.name, "all"), ...Object.keys(variant.groups || {}).map((group) => row(`${variant.name}: ${group}`, group))];
    });
    return table("Mean over runs ± half of the 95 % interval", ["", ...metrics.map(unitOf)], rows, "results");
  };
  host.append(fill(data.metrics.filter((metric) => metric.headline)));
  host.append(el("details", {}, el("summary", {}, "all metrics"), fill(data.metrics)));
  if (data.differences.length && data.runs > 1) {
    const heads = data.metrics.filter((metric) => metric.headline);
    const rows = data.differences.map((one) => [one.of, ...heads.map((metric) => cell(one.metrics[metric.key], metric))]);
    host.append(el("details", {}, el("summary", {}, `differences to "${data.differences[0].to}", on the same seeds`),
      table("Mean paired difference ± half of the 95 % interval", ["", ...heads.map(unitOf)], rows)));
  }
  if (data.notes) host.append(el("p", { class: "note" }, data.notes));
}

/** Metrics by variant, or against a key of the sweep. */
function compare() {
  const host = byId("compare");
  const keys = Object.keys(data.variants[0]?.axes || {});
  const groups = ["all", ...new Set(data.variants.flatMap((variant) => Object.keys(variant.groups || {})))];
  let metric = Math.max(0, data.metrics.findIndex((one) => one.key === data.first_metric));
  let key = Math.max(0, keys.indexOf(data.x));
  let group = 0;
  const place = el("div");
  const build = () => {
    place.replaceChildren();
    const at = charts.findIndex((one) => one.place === "compare");
    if (at >= 0) charts.splice(at, 1);
    const made = keys.length ? sweep(place, data.metrics[metric], keys[key], groups[group]) : marks(place, data.metrics[metric], groups[group]);
    made.place = "compare";
  };
  const metrics = choice("metric", data.metrics.map(unitOf), (index) => { metric = index; build(); }, "metric");
  metrics.querySelector("select").selectedIndex = metric;
  const controls = el("div", { class: "controls" }, metrics);
  if (groups.length > 1) controls.append(choice("of", groups, (index) => { group = index; build(); }));
  if (keys.length > 1) {
    const across = choice("against", keys, (index) => { key = index; build(); });
    across.querySelector("select").selectedIndex = key;
    controls.append(across);
  }
  host.append(controls, place);
  build();
}

const interval = (x, estimate, factor) => [x, (estimate?.mean ?? NaN) * factor,
  estimate && estimate.half_95 !== null ? (estimate.mean - estimate.half_95) * factor : NaN,
  estimate && estimate.half_95 !== null ? (estimate.mean + estimate.half_95) * factor : NaN];

function marks(host, metric, group) {
  const names = data.variants.map((_, index) => String.fromCharCode(65 + (index % 26)) + (index >= 26 ? Math.floor(index / 26) : ""));
  return chart(host, {
    title: unitOf(metric), x: "variant", y: unitOf(metric), xs: names,
    caption: `Mean over ${data.runs} run${data.runs === 1 ? "" : "s"}${data.runs > 1 ? ", with 95 % intervals" : ""}. ${metric.less ? "Less" : "More"} is better.`,
    series: () => visible().map((variant) => ({ name: `${names[variant.index]}: ${variant.name}`, colour: colourOf(variant.index), dash: "", loose: true, dots: true,
      points: [interval(variant.index, estimateOf(variant, metric, group), metric.factor)] })),
  });
}

function sweep(host, metric, key, group) {
  const values = [...new Set(data.variants.map((variant) => variant.axes[key]))];
  const numeric = values.every((value) => value !== "" && Number.isFinite(Number(value)));
  const lineOf = (variant) => [variant.policy, ...Object.entries(variant.axes).filter(([one]) => one !== key).map(([one, value]) => `${one.split(".").pop()} ${value}`)].join(", ");
  return chart(host, {
    title: `${unitOf(metric)} against ${key}`, x: data.x === key && data.x_name ? data.x_name : key.split(".").slice(-2).join(" "), y: unitOf(metric), xs: numeric ? null : values,
    caption: `Mean over ${data.runs} run${data.runs === 1 ? "" : "s"}${data.runs > 1 ? ", with 95 % intervals" : ""}. ${metric.less ? "Less" : "More"} is better.`,
    series: () => {
      const lines = [...new Set(data.variants.map(lineOf))];
      return lines.map((line, index) => ({ name: line, colour: colourOf(index), dash: dashOf(index), dots: true,
        points: visible().filter((variant) => lineOf(variant) === line)
          .map((variant) => interval(numeric ? Number(variant.axes[key]) : values.indexOf(variant.axes[key]), estimateOf(variant, metric, group), metric.factor))
          .sort((a, b) => a[0] - b[0]) })).filter((one) => one.points.length);
    },
  });
}

let causesPlace = null;

function causes() {
  const host = byId("causes");
  const total = data.variants.reduce((sum, variant) => sum + Object.values(variant.stall_causes_ms).reduce((a, b) => a + b, 0), 0);
  if (!total) {
    host.append(el("p", {}, data.stalls ? "No picture stood still in any run." : "Late pieces are skipped here, so no picture stands still. What skipped pieces waited for is told viewer by viewer below."));
    return;
  }
  host.append(el("p", { class: "note" }, "Seconds of standing still per viewer, by cause. At each instant the cause is that of the first missing piece."), causeLegend(data.causes));
  causesPlace = el("div");
  host.append(causesPlace);
  drawCauses();
}

function drawCauses() {
  if (!causesPlace) return;
  const per = (variant) => data.causes.map((name) => variant.stall_causes_ms[name] / 1000 / Math.max(1, variant.viewers));
  const sums = visible().map((variant) => per(variant).reduce((a, b) => a + b, 0));
  const most = Math.max(...sums, 1e-9);
  const rows = visible().map((variant, index) => [variant.name, causeBar(per(variant), most), number(sums[index]), ...per(variant).map(number)]);
  causesPlace.replaceChildren(table("Seconds of standing still per viewer", ["", "", "all", ...data.causes.map(causeText)], rows, "budget"));
}

function viewers() {
  const host = byId("viewer");
  if (!data.viewers.length) {
    host.append(el("p", {}, "No viewer was followed piece by piece: nobody plays here."));
    return;
  }
  host.append(el("p", { class: "note" }, data.followed));
  const place = el("div");
  const story = new ViewerStory(place, data.causes);
  const names = data.viewers.map((one) => {
    const still = one.stalls.reduce((sum, stall) => sum + stall[2], 0);
    return `${data.variants[one.variant].name}: peer ${one.peer}, ${one.stalls.length || !one.skipped ? `${one.stalls.length} stalls, ${(still / 1000).toFixed(1)} s` : `${one.skipped} skipped`}${one.typical ? " (in the middle)" : ""}`;
  });
  const pick = choice("viewer", names, (index) => story.show(data.viewers[index]), "pick");
  host.append(el("div", { class: "controls" }, pick), place);
  let worst = 0;
  const badness = (one) => one.stalls.reduce((sum, stall) => sum + stall[2], 0) + one.skipped;
  data.viewers.forEach((one, index) => { if (badness(one) > badness(data.viewers[worst])) worst = index; });
  pick.querySelector("select").selectedIndex = worst;
  story.show(data.viewers[worst]);
  return story;
}

function time() {
  const host = byId("time");
  for (const [name, title] of data.stalls ? [["present", "Peers present"], ["stalled", "Viewers standing still"], ["starting", "Viewers waiting for the first frame"]] : [["present", "Peers present"], ["starting", "Viewers waiting for the first frame"], ["complete", "Viewers with a complete download"]]) {
    chart(host, { title, x: "time, s", y: "peers", caption: `One run of each, seed ${data.seeds[0]}.`,
      series: () => data.swarm.filter((one) => shown[one.variant]).map((one) => ({ name: data.variants[one.variant].name, colour: colourOf(one.variant), dash: dashOf(one.variant), points: one[name] })) });
  }
}

function spread() {
  for (const { title, x, lines } of data.spreads) {
    chart(byId("spread"), { title, x, y: "share of viewers", yMax: 1, caption: `All viewers that started and were not cut, all ${data.runs} run${data.runs === 1 ? "" : "s"} together.`,
      series: () => lines.filter((one) => shown[one.variant]).map((one) => ({ name: data.variants[one.variant].name, colour: colourOf(one.variant), dash: dashOf(one.variant), steps: true, points: one.points })) });
  }
  if (!data.spreads.length) byId("spread").remove();
}

function setup() {
  const rows = data.traces.map(([variant, seed, trace]) => [data.variants[variant].name, String(seed), trace]);
  byId("setup").append(
    el("p", {}, "The scenario, with every default spelled out. The same scenario, seeds and code give the same trace hashes on any machine."),
    el("pre", { tabindex: 0, "aria-label": "scenario" }, data.scenario),
    el("details", {}, el("summary", {}, "trace hashes of the runs"), table("Trace hash of each run", ["", "seed", "trace"], rows)));
}

header();
answer();
results();
compare();
causes();
const story = viewers();
time();
spread();
setup();
let resizing = null;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => { for (const one of charts) one.draw(); if (story) story.draw(); }, 120);
});
