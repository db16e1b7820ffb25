// Elements, numbers and colours. Knows nothing of swarms.
const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes; children are nodes or texts. Text is never read as markup. */
function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function svg(name, attributes = {}, text = null) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== null) node.textContent = text;
  return node;
}

const byId = (id) => document.getElementById(id);

// Colours that people with any common colour blindness tell apart (Okabe and Ito, 2008).
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];
const DASHES = ["", "7 4", "2 3", "10 3 2 3"];
const colourOf = (index) => COLOURS[index % COLOURS.length];
/** Beyond seven lines the colours come round, broken another way. */
const dashOf = (index) => DASHES[Math.floor(index / COLOURS.length) % DASHES.length];

/** A number a person reads: three or four figures. */
function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const places = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.0995 || size === 0 ? 2 : 3;
  return (Object.is(Math.round(value * 10 ** places), -0) ? 0 : value).toFixed(places);
}

/** Whole multiples of 1, 2 or 5 times a power of ten between two values. */
function ticks(low, high, about) {
  if (!(high > low)) return [low];
  const raw = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= raw * 0.999) || power * 10;
  const all = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) all.push(index * step);
  return all;
}

const tick = (value) => String(Number(value.toPrecision(6)));

/** A choice with a label; `tell` hears the index. */
function choice(label, options, tell, id) {
  const select = el("select", { id, onchange: () => tell(select.selectedIndex) },
    ...options.map((text, index) => el("option", { value: index }, text)));
  return el("label", {}, label, select);
}

function swatch(colour, dashed) {
  return el("span", { class: dashed ? "swatch dash" : "swatch", style: `border-color:${colour}`, "aria-hidden": "true" });
}

/** A table; cells are texts or nodes. The first of a row is its heading. */
function table(caption, header, rows, id) {
  const heading = el("tr", {}, ...header.map((text) => el("th", { scope: "col" }, text)));
  const body = rows.map((row) => el("tr", {}, ...row.map((cell, place) => {
    const node = cell === null ? "–" : cell;
    return place === 0 ? el("th", { scope: "row" }, node) : el("td", {}, node);
  })));
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    el("table", { id }, el("caption", {}, caption), el("thead", {}, heading), el("tbody", {}, ...body)));
}
