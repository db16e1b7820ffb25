// One viewer: when each piece became known, was asked for, came and was due, and its stalls.

const NEIGHBOURHOOD = 70;
const STORY = { left: 62, right: 14, top: 12, plot: 400, gap: 34 };
const WAITING = "#b9c9d6";
const CAUSE_COLOURS = ["#8a8a92", "#000000", "#d55e00", "#cc79a7", "#0072b2", "#e69f00"];
const CAUSE_TEXT = {
  "player-not-reading": "the player did not read",
  "verification-failed": "a piece failed verification",
  "nobody-has-it": "no neighbour had the piece",
  "all-choke-us": "all neighbours who had it choked this viewer",
  "slow-or-silent": "asked for, but the neighbour was slow or silent",
  "asked-too-late": "asked for too late, or not yet",
};
const causeText = (name) => CAUSE_TEXT[name] || name;
const clock = (ms) => (ms === null || ms === undefined ? "never" : `${(ms / 1000).toFixed(1)} s`);

/** A stall's causes as one bar. */
function causeBar(millis, total = null) {
  const whole = total || millis.reduce((sum, one) => sum + one, 0) || 1;
  return el("div", { class: "bar", "aria-hidden": "true" }, ...millis.map((one, index) =>
    el("span", { style: `width:${(100 * one) / whole}%;background:${CAUSE_COLOURS[index]}` })));
}

/** A stall's causes in words, longest first. */
function causeWords(millis, causes) {
  const parts = millis.map((one, index) => [one, causes[index]]).filter(([one]) => one > 0);
  if (!parts.length) return "it left without telling why";
  return parts.sort((a, b) => b[0] - a[0]).map(([one, name]) => `${causeText(name)} ${(one / 1000).toFixed(one < 100 ? 2 : 1)} s`).join("; ");
}

function causeLegend(causes) {
  return el("div", { class: "legend" }, ...causes.map((name, index) => el("span", {},
    el("span", { class: "swatch box", style: `background:${CAUSE_COLOURS[index]}`, "aria-hidden": "true" }), causeText(name))));
}

class ViewerStory {
  constructor(host, causes) {
    this.causes = causes;
    this.host = host;
    this.piece = 0;
    this.view = null;
  }

  show(viewer) {
    this.viewer = viewer;
    this.pieces = [...viewer.pieces].sort((a, b) => a[0] - b[0]);
    const times = viewer.playhead.map((place) => place[0]);
    const came = viewer.pieces.map((piece) => piece[3] ?? 0);
    this.all = [viewer.arrival, Math.max(viewer.started ?? viewer.arrival + 1000, ...times, ...came, viewer.arrival + 1000)];
    this.view = null;
    this.plot = svg("svg", { tabindex: 0, role: "img", id: "story" });
    this.readout = el("p", { class: "readout", id: "story-readout", "aria-live": "polite" });
    const button = (text, name, act) => el("button", { type: "button", "aria-label": `${name}: piece timeline`, onclick: act }, text);
    this.host.replaceChildren(
      this.facts(),
      el("div", { class: "legend" },
        el("span", {}, swatch(WAITING), "known, not asked for"),
        el("span", {}, swatch("#0072b2"), "asked for, on its way"),
        el("span", {}, swatch("#009e73"), "here (dot: the moment it came)"),
        el("span", {}, swatch("#000000"), "playhead: when it is due"),
        el("span", {}, el("span", { class: "swatch box", style: "background:#f6c9a8", "aria-hidden": "true" }), "picture stands still"),
        el("span", {}, el("span", { class: "swatch box", style: "background:#d00000", "aria-hidden": "true" }), "late when due")),
      el("figure", {}, this.plot, this.readout,
        el("div", { class: "controls" }, button("+", "Zoom in", () => this.zoom(0.5)),
          button("−", "Zoom out", () => this.zoom(2)), button("whole", "Show the whole", () => this.look(null)),
          button("previous late piece", "Previous late piece", () => this.hop(-1)),
          button("next late piece", "Next late piece", () => this.hop(1))),
        el("figcaption", {}, "Upwards: piece number. Below: neighbours (grey), and those of them that let this viewer ask (blue). Point at it, or focus it and use the arrow keys (up, down: piece; left, right: move; plus, minus: zoom), to read a piece.")),
      this.stalls());
    this.listen();
    this.draw();
    const first = this.pieces.findIndex((piece) => piece[4] !== null);
    this.read(first < 0 ? 0 : first);
  }

  facts() {
    const viewer = this.viewer;
    const rate = (bytes) => (bytes === null ? "unlimited" : `${Math.round((bytes * 8) / 1000)} kbit/s`);
    const still = viewer.stalls.reduce((sum, stall) => sum + stall[2], 0);
    const start = viewer.started === null ? "it never started" : `it started after ${clock(viewer.started - viewer.arrival)}`;
    const bad = viewer.stalls.length
      ? `stood still ${viewer.stalls.length} times for ${clock(still)} in all`
      : `never stood still, ${viewer.skipped} pieces were skipped`;
    return el("p", { id: "viewer-facts" }, `Peer ${viewer.peer} (${viewer.class}), uplink ${rate(viewer.uplink)}, downlink ${rate(viewer.downlink)}, ` +
      `${viewer.connectable ? "can" : "cannot"} be dialled, came at ${clock(viewer.arrival)}: ${start}, ${bad}; download complete at ${clock(viewer.completed)}.`);
  }

  stalls() {
    const viewer = this.viewer;
    if (viewer.stalls.length === 0) return this.lates();
    const rows = viewer.stalls.map((stall) => {
      const [at, piece, millis, causes] = stall;
      const see = el("button", { type: "button", onclick: () => this.see(stall) }, `see piece ${piece}`);
      return [clock(at), (millis / 1000).toFixed(1), causeWords(causes, this.causes), causeBar(causes), see];
    });
    const made = table("Stalls of this viewer: when, how long, and why (time per cause)", ["at", "length, s", "why", "time per cause", "look"], rows, "stalls");
    made.classList.add("tall");
    for (const cell of made.querySelectorAll("td:nth-child(3)")) cell.classList.add("text");
    return made;
  }

  /** Without stalls: the pieces that were not there in time, by what they waited for. */
  lates() {
    const by = new Map();
    for (const piece of this.pieces) if (piece[6] !== null) by.set(piece[6], [...(by.get(piece[6]) || []), piece[0]]);
    if (!by.size) return el("p", { id: "stalls" }, "Every piece of this viewer was there when it was due.");
    const rows = [...by].map(([why, pieces]) => [why, String(pieces.length), pieces.slice(0, 12).join(", ") + (pieces.length > 12 ? " …" : "")]);
    return table("Pieces that were absent when due, by what they waited for at that moment", ["at its deadline", "pieces", "which"], rows, "stalls");
  }

  see(stall) {
    const [at, number, millis] = stall;
    const room = Math.max(millis, 4000);
    this.look([Math.max(this.all[0], at - room), Math.min(this.all[1], at + millis + room / 4)]);
    this.read(this.pieces.findIndex((piece) => piece[0] === number));
    this.plot.scrollIntoView({ block: "center" });
  }

  hop(way) {
    for (let next = this.piece + way; next >= 0 && next < this.pieces.length; next += way) {
      if (this.pieces[next][4] !== null) return this.read(next);
    }
    return null;
  }

  look(view) {
    this.view = view;
    this.draw();
  }

  zoom(factor) {
    const [from, to] = this.view || this.all;
    const due = this.due(this.pieces[this.piece]?.[0] ?? 0);
    const middle = due !== null && due >= from && due <= to ? due : (from + to) / 2;
    const view = [Math.max(this.all[0], middle - (middle - from) * factor), Math.min(this.all[1], middle + (to - middle) * factor)];
    this.look(view[0] <= this.all[0] && view[1] >= this.all[1] ? null : view);
  }

  /** When the playhead reached a piece; null if it never did. */
  due(piece) {
    const way = this.viewer.playhead;
    for (let index = 1; index < way.length; index += 1) {
      const [[t0, p0], [t1, p1]] = [way[index - 1], way[index]];
      if (p1 > p0 && piece >= p0 - 1e-3 && piece <= p1 + 1e-3 && t1 > t0) return t0 + ((Math.max(piece, p0) - p0) / (p1 - p0)) * (t1 - t0);
    }
    return null;
  }

  /** When the playhead left a piece's start, having waited there. */
  shown(piece) {
    const due = this.due(piece);
    if (due === null) return null;
    const stall = this.viewer.stalls.find((one) => Math.abs(one[0] - due) < 60 && one[1] === piece);
    return stall ? stall[0] + stall[2] : due;
  }

  listen() {
    const at = (event) => {
      const box = this.plot.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * this.width, ((event.clientY - box.top) / box.height) * this.height];
    };
    let from = null;
    const time = (x) => this.t0 + ((x - STORY.left) / (this.width - STORY.left - STORY.right)) * (this.t1 - this.t0);
    this.plot.addEventListener("pointerdown", (event) => { from = event.pointerType === "touch" ? null : at(event)[0]; });
    this.plot.addEventListener("pointerup", (event) => {
      const to = at(event)[0];
      if (from !== null && Math.abs(to - from) > 12) this.look([time(Math.min(from, to)), time(Math.max(from, to))]);
      from = null;
    });
    this.plot.addEventListener("pointermove", (event) => {
      const y = at(event)[1];
      if (y > STORY.top + STORY.plot) return;
      const number = this.p0 + ((STORY.top + STORY.plot - y) / STORY.plot) * (this.p1 - this.p0);
      let nearest = 0;
      this.pieces.forEach((piece, index) => { if (Math.abs(piece[0] - number) < Math.abs(this.pieces[nearest][0] - number)) nearest = index; });
      this.read(nearest);
    });
    this.plot.addEventListener("dblclick", () => this.look(null));
    this.plot.addEventListener("keydown", (event) => {
      const [t0, t1] = this.view || this.all;
      const move = (way) => this.look([Math.max(this.all[0], t0 + way * (t1 - t0)), Math.min(this.all[1], t1 + way * (t1 - t0))]);
      const acts = { ArrowUp: () => this.read(this.piece + 1), ArrowDown: () => this.read(this.piece - 1), ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.look(null), Escape: () => this.look(null) };
      if (!(event.key in acts)) return;
      event.preventDefault();
      acts[event.key]();
    });
  }

  px(t) {
    return STORY.left + ((t - this.t0) / (this.t1 - this.t0)) * (this.width - STORY.left - STORY.right);
  }

  py(piece) {
    return STORY.top + STORY.plot - ((piece - this.p0) / (this.p1 - this.p0)) * STORY.plot;
  }

  /** The pieces that a stretch of time is about: those whose asking or playing falls into it. */
  range() {
    const last = this.pieces.length ? this.pieces[this.pieces.length - 1][0] + 1 : 1;
    const first = this.pieces.length ? this.pieces[0][0] : 0;
    if (!this.view) return [first, last];
    const near = this.viewer.playhead.filter((place) => place[0] <= this.t1).map((place) => place[1]);
    const place = (t) => {
      let found = near[0] ?? first;
      const way = this.viewer.playhead;
      for (let index = 1; index < way.length; index += 1) {
        const [[a, p], [b, q]] = [way[index - 1], way[index]];
        if (t >= a && t <= b) found = b > a ? p + ((t - a) / (b - a)) * (q - p) : q;
        else if (t > b) found = q;
      }
      return found;
    };
    const low = place(this.t0);
    const high = place(this.t1);
    const more = Math.max(6, (high - low) * 0.8);
    return [Math.max(first, Math.floor(low - more / 4)), Math.min(last, Math.ceil(high + more))];
  }

  draw() {
    this.width = Math.max(300, this.host.clientWidth || 800);
    this.height = STORY.top + STORY.plot + STORY.gap + NEIGHBOURHOOD + 30;
    [this.t0, this.t1] = this.view || this.all;
    [this.p0, this.p1] = this.range();
    this.plot.replaceChildren();
    this.plot.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.plot.setAttribute("aria-label", `Pieces of peer ${this.viewer.peer} over time: known, asked for, here, due. ${this.viewer.stalls.length} stalls, listed in the table below.`);
    this.bands();
    this.axes();
    const clip = svg("clipPath", { id: "clip-story" });
    clip.append(svg("rect", { x: STORY.left, y: STORY.top - 2, width: this.width - STORY.left - STORY.right, height: STORY.plot + 4 }));
    this.lines = svg("g", { "clip-path": "url(#clip-story)" });
    this.plot.append(clip, this.lines);
    this.rows();
    const way = this.viewer.playhead.map((place, index) => `${index ? "L" : "M"}${this.px(place[0]).toFixed(1)} ${this.py(place[1]).toFixed(1)}`).join("");
    this.lines.append(svg("path", { d: way || "M0 0", fill: "none", stroke: "#000", "stroke-width": 2 }));
    this.mark = svg("line", { x1: STORY.left, x2: this.width - STORY.right, stroke: "#000", "stroke-dasharray": "2 3", visibility: "hidden" });
    this.plot.append(this.mark);
    this.neighbours();
  }

  bands() {
    for (const [at, , millis] of this.viewer.stalls) {
      const from = Math.max(STORY.left, this.px(at));
      const to = Math.min(this.width - STORY.right, this.px(at + millis));
      if (to > from) this.plot.append(svg("rect", { x: from, y: STORY.top, width: Math.max(1, to - from), height: STORY.plot, fill: "#f6c9a8" }));
    }
  }

  axes() {
    const floor = STORY.top + STORY.plot;
    const bottom = floor + STORY.gap + NEIGHBOURHOOD;
    for (const second of ticks(this.t0 / 1000, this.t1 / 1000, Math.max(3, Math.floor(this.width / 90)))) {
      const x = this.px(second * 1000);
      this.plot.append(svg("line", { x1: x, x2: x, y1: STORY.top, y2: bottom, stroke: "#e3e3e8" }));
      this.plot.append(svg("text", { x, y: floor + 16, "text-anchor": "middle" }, tick(second)));
    }
    for (const piece of ticks(this.p0, this.p1, 6)) {
      this.plot.append(svg("text", { x: STORY.left - 7, y: this.py(piece) + 4, "text-anchor": "end" }, tick(piece)));
    }
    const middle = STORY.top + STORY.plot / 2;
    this.plot.append(svg("text", { x: 14, y: middle, class: "quiet", "text-anchor": "middle", transform: `rotate(-90 14 ${middle})` }, "piece"));
    this.plot.append(svg("text", { x: (STORY.left + this.width - STORY.right) / 2, y: bottom + 24, class: "quiet", "text-anchor": "middle" }, "time in the run, s"));
  }

  /** A line for each piece: known, asked for, here. */
  rows() {
    const paths = { known: "", asked: "", here: "", dots: "", late: "" };
    const end = this.viewer.left ?? this.all[1];
    const thick = Math.max(1, Math.min(6, (STORY.plot / (this.p1 - this.p0)) * 0.7));
    for (const [number, known, asked, came, late] of this.pieces) {
      if (number < this.p0 - 1 || number > this.p1 + 1) continue;
      const y = this.py(number).toFixed(1);
      const part = (from, to) => (from !== null && to > from && to >= this.t0 && from <= this.t1 ? `M${this.px(Math.max(from, this.t0)).toFixed(1)} ${y}H${this.px(Math.min(to, this.t1)).toFixed(1)}` : "");
      paths.known += part(known, asked ?? came ?? end);
      paths.asked += part(asked, came ?? end);
      if (this.view) paths.here += part(came, Math.max(this.shown(number) ?? came ?? 0, came ?? 0));
      if (came !== null && came >= this.t0 && came <= this.t1) paths.dots += `M${(this.px(came) - 0.8).toFixed(1)} ${y}h1.6`;
      if (late !== null && late >= this.t0 && late <= this.t1) paths.late += `M${(this.px(late) - 2).toFixed(1)} ${y}h4`;
    }
    const add = (d, stroke, width) => this.lines.append(svg("path", { d: d || "M0 0", stroke, "stroke-width": width, fill: "none" }));
    add(paths.known, WAITING, Math.max(thick, (STORY.plot / (this.p1 - this.p0)) * (thick > 2 ? 0.7 : 1.2)));
    add(paths.asked, "#0072b2", thick);
    add(paths.here, "#a6dccb", thick);
    add(paths.dots, "#009e73", Math.max(2, thick));
    add(paths.late, "#d00000", Math.max(4, thick));
  }

  neighbours() {
    const top = STORY.top + STORY.plot + STORY.gap;
    const most = Math.max(1, ...this.viewer.neighbours.map((step) => step[1]));
    const y = (count) => top + NEIGHBOURHOOD - (count / most) * NEIGHBOURHOOD;
    const clip = svg("clipPath", { id: "clip-near" });
    clip.append(svg("rect", { x: STORY.left, y: top - 2, width: this.width - STORY.left - STORY.right, height: NEIGHBOURHOOD + 4 }));
    const group = svg("g", { "clip-path": "url(#clip-near)" });
    for (const [column, stroke] of [[1, "#8a8a92"], [2, "#0072b2"]]) {
      const steps = this.viewer.neighbours.map((step, index) => `${index ? "H" : "M"}${this.px(step[0]).toFixed(1)}${index ? "V" : " "}${y(step[column]).toFixed(1)}`).join("");
      group.append(svg("path", { d: steps ? `${steps}H${this.px(this.viewer.left ?? this.all[1]).toFixed(1)}` : "M0 0", stroke, fill: "none", "stroke-width": 1.5 }));
    }
    this.plot.append(clip, group);
    for (const count of [0, most]) this.plot.append(svg("text", { x: STORY.left - 7, y: y(count) + 4, "text-anchor": "end" }, String(count)));
    this.plot.append(svg("text", { x: STORY.left, y: top - 4, class: "quiet" }, "neighbours"));
  }

  read(index) {
    if (index < 0 || index >= this.pieces.length) return;
    this.piece = index;
    const [number, known, asked, came, late, skipped, why] = this.pieces[index];
    const due = late ?? this.due(number);
    const parts = [el("b", {}, `piece ${number}`), `: known ${clock(known)}, asked for ${clock(asked)}, here ${clock(came)}, due ${clock(due)}`];
    if (late === null) parts.push(due !== null && came !== null ? `: ${((due - came) / 1000).toFixed(1)} s in hand` : "");
    else {
      parts.push(came === null ? ": it never came" : `: ${((came - late) / 1000).toFixed(1)} s late`);
      parts.push(skipped ? ", skipped" : `, played ${clock(this.shown(number))}`, ". When due: ", el("b", {}, why), ".");
    }
    this.readout.replaceChildren(...parts);
    const y = this.py(number);
    const inside = y >= STORY.top && y <= STORY.top + STORY.plot;
    this.mark.setAttribute("visibility", inside ? "visible" : "hidden");
    this.mark.setAttribute("y1", y);
    this.mark.setAttribute("y2", y);
  }
}
