// Lines over an axis: hover or arrow keys read values, dragging, the wheel or buttons zoom.

const HEIGHT = 330;
const MARGIN = { left: 62, right: 14, top: 10, bottom: 46 };

/**
 * Draws lines into a new figure within `host`.
 * `spec`: title, x, y (names with units), xs (texts of marks across, else numbers), series():
 * [{name, colour, dash, points: [[x, y, low, high]], steps, dots}] that are to be shown now.
 */
class Chart {
  constructor(host, spec) {
    this.spec = spec;
    this.view = null;
    this.cursor = null;
    this.plot = svg("svg", { tabindex: 0, role: "img" });
    this.readout = el("p", { class: "readout", "aria-live": "polite" });
    this.legend = el("div", { class: "legend" });
    const button = (text, name, act) => el("button", { type: "button", "aria-label": `${name}: ${spec.title}`, onclick: act }, text);
    this.figure = el("figure", {},
      el("h3", {}, spec.title),
      this.legend, this.plot, this.readout,
      el("div", { class: "controls" },
        button("+", "Zoom in", () => this.zoom(0.5)), button("−", "Zoom out", () => this.zoom(2)),
        button("whole", "Show the whole", () => this.look(null))),
      spec.caption ? el("figcaption", {}, spec.caption) : null);
    host.append(this.figure);
    this.listen();
    this.draw();
  }

  listen() {
    const at = (event) => {
      const box = this.plot.getBoundingClientRect();
      return this.value(((event.clientX - box.left) / box.width) * this.width);
    };
    let from = null;
    this.plot.addEventListener("pointerdown", (event) => { from = event.pointerType === "touch" ? null : at(event); });
    this.plot.addEventListener("pointermove", (event) => this.point(at(event), from));
    this.plot.addEventListener("pointerup", (event) => {
      const to = at(event);
      if (from !== null && Math.abs(to - from) > (this.x1 - this.x0) / 60) this.look([Math.min(from, to), Math.max(from, to)]);
      from = null;
    });
    this.plot.addEventListener("pointerleave", () => { from = null; });
    this.plot.addEventListener("dblclick", () => this.look(null));
    this.plot.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.shiftKey) return;
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.3 : 1 / 1.3, at(event));
    }, { passive: false });
    this.plot.addEventListener("keydown", (event) => {
      const step = (this.x1 - this.x0) / 40;
      const moves = { ArrowLeft: -step, ArrowRight: step };
      if (event.key in moves) this.point(Math.min(this.x1, Math.max(this.x0, (this.cursor ?? this.x0) + moves[event.key])));
      else if (event.key === "+" || event.key === "=") this.zoom(0.5, this.cursor);
      else if (event.key === "-") this.zoom(2, this.cursor);
      else if (event.key === "0" || event.key === "Escape") this.look(null);
      else return;
      event.preventDefault();
    });
  }

  look(view) {
    this.view = view;
    this.draw();
  }

  zoom(factor, around = null) {
    const middle = around ?? this.cursor ?? (this.x0 + this.x1) / 2;
    const view = [middle - (middle - this.x0) * factor, middle + (this.x1 - middle) * factor];
    const whole = view[0] <= this.all[0] && view[1] >= this.all[1];
    this.look(whole ? null : [Math.max(view[0], this.all[0]), Math.min(view[1], this.all[1])]);
  }

  value(pixel) {
    return this.x0 + ((pixel - MARGIN.left) / (this.width - MARGIN.left - MARGIN.right)) * (this.x1 - this.x0);
  }

  px(x) {
    return MARGIN.left + ((x - this.x0) / (this.x1 - this.x0)) * (this.width - MARGIN.left - MARGIN.right);
  }

  py(y) {
    return HEIGHT - MARGIN.bottom - (y / this.y1) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  }

  measure(series) {
    const xs = series.flatMap((one) => one.points.map((point) => point[0]));
    const low = this.spec.xs ? 0 : Math.min(0, ...xs);
    let high = this.spec.xs ? this.spec.xs.length - 1 : Math.max(...xs, low);
    if (!(high > low)) high = low + 1;
    const room = this.spec.xs ? 0.3 : 0;
    this.all = [low - room, high + room];
    [this.x0, this.x1] = this.view || this.all;
    const inside = (point) => point[0] >= this.x0 && point[0] <= this.x1;
    const ys = series.flatMap((one) => one.points.filter(inside).flatMap((point) => [point[1], point[3] ?? point[1]]));
    this.y1 = this.spec.yMax || Math.max(...ys.filter(Number.isFinite), 0) * 1.05 || 1;
  }

  draw() {
    const series = this.spec.series();
    this.series = series;
    this.width = Math.max(300, this.figure.clientWidth || 800);
    this.measure(series);
    this.plot.replaceChildren();
    this.plot.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const said = series.map((one) => one.name).join("; ");
    this.plot.setAttribute("aria-label", `${this.spec.title}: ${this.spec.y} against ${this.spec.x}. ${said}. Arrow keys read values, plus and minus zoom.`);
    this.legend.replaceChildren(...series.map((one) => el("span", {}, swatch(one.colour, one.dash), one.name)));
    this.axes();
    const clip = `clip-${this.spec.id}`;
    const path = svg("clipPath", { id: clip });
    path.append(svg("rect", { x: MARGIN.left, y: 0, width: this.width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.bottom + 3 }));
    const lines = svg("g", { "clip-path": `url(#${clip})` });
    for (const one of series) this.line(lines, one);
    this.mark = svg("line", { y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, stroke: "#5a5a5f", "stroke-dasharray": "3 3", visibility: "hidden" });
    this.band = svg("rect", { y: MARGIN.top, height: HEIGHT - MARGIN.top - MARGIN.bottom, fill: "#0072b222", visibility: "hidden" });
    this.plot.append(path, lines, this.band, this.mark);
    this.readout.textContent = series.length ? "Point at the figure, or focus it and use the arrow keys, to read values; drag to zoom." : "Everything is hidden.";
  }

  axes() {
    const floor = HEIGHT - MARGIN.bottom;
    const grid = (x1, y1, x2, y2) => this.plot.append(svg("line", { x1, y1, x2, y2, stroke: "#e3e3e8" }));
    const label = (text, x, y, anchor, more = {}) => this.plot.append(svg("text", { x, y, "text-anchor": anchor, ...more }, text));
    const marks = this.spec.xs
      ? this.spec.xs.map((text, index) => [index, text]).filter(([index]) => index >= this.x0 && index <= this.x1)
      : ticks(this.x0, this.x1, Math.max(3, Math.floor(this.width / 90))).map((value) => [value, tick(value)]);
    for (const [value, text] of marks) {
      grid(this.px(value), MARGIN.top, this.px(value), floor);
      label(text, this.px(value), floor + 17, "middle");
    }
    for (const value of ticks(0, this.y1, 5)) {
      grid(MARGIN.left, this.py(value), this.width - MARGIN.right, this.py(value));
      label(tick(value), MARGIN.left - 7, this.py(value) + 4, "end");
    }
    label(this.spec.x, (MARGIN.left + this.width - MARGIN.right) / 2, HEIGHT - 8, "middle", { class: "quiet" });
    const middle = (MARGIN.top + floor) / 2;
    label(this.spec.y, 14, middle, "middle", { class: "quiet", transform: `rotate(-90 14 ${middle})` });
  }

  line(lines, one) {
    const points = one.points.filter((point) => Number.isFinite(point[1]));
    const d = points.map((point, index) => {
      const x = this.px(point[0]).toFixed(1);
      const y = this.py(point[1]).toFixed(1);
      return index === 0 ? `M${x} ${y}` : one.steps ? `H${x}V${y}` : `L${x} ${y}`;
    }).join("");
    const look = { stroke: one.colour, "stroke-width": 2, fill: "none" };
    if (one.dash) look["stroke-dasharray"] = one.dash;
    if (!one.loose) lines.append(svg("path", { d, ...look }));
    if (!one.dots) return;
    for (const [x, y, low, high] of points) {
      if (Number.isFinite(low)) lines.append(svg("line", { x1: this.px(x), x2: this.px(x), y1: this.py(Math.max(0, low)), y2: this.py(high), stroke: one.colour, "stroke-width": 2 }));
      lines.append(svg("circle", { cx: this.px(x), cy: this.py(y), r: 4, fill: one.colour }));
    }
  }

  /** Reads the values at `x`. */
  point(x, from = null) {
    if (!this.series.length) return;
    const inside = Math.min(this.x1, Math.max(this.x0, x));
    this.cursor = this.spec.xs ? Math.round(inside) : inside;
    this.mark.setAttribute("visibility", "visible");
    this.mark.setAttribute("x1", this.px(this.cursor));
    this.mark.setAttribute("x2", this.px(this.cursor));
    this.band.setAttribute("visibility", from === null ? "hidden" : "visible");
    if (from !== null) {
      this.band.setAttribute("x", this.px(Math.min(from, inside)));
      this.band.setAttribute("width", Math.abs(this.px(from) - this.px(inside)));
    }
    const where = this.spec.xs ? this.spec.xs[this.cursor] : number(this.cursor);
    const parts = [el("b", {}, `${this.spec.x}: ${where}`)];
    for (const one of this.series) {
      const found = this.at(one);
      if (!found) continue;
      const half = Number.isFinite(found[2]) ? ` (${number(found[2])} to ${number(found[3])})` : "";
      parts.push(` · ${one.name} `, el("b", {}, number(found[1])), half);
    }
    this.readout.replaceChildren(...parts);
  }

  /** A series' point at the cursor: the last not after it, for marks the one on it. */
  at(one) {
    if (this.spec.xs || one.dots) {
      let nearest = null;
      for (const point of one.points) if (!nearest || Math.abs(point[0] - this.cursor) < Math.abs(nearest[0] - this.cursor)) nearest = point;
      return nearest;
    }
    let last = null;
    for (const point of one.points) if (point[0] <= this.cursor) last = point;
    return last || (one.steps ? [this.cursor, 0] : null);
  }
}
