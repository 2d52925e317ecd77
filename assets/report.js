// Makes a report's page interactive: values at a cursor, zoom in time, sorting of tables.
// The page is complete without it: every figure is a static picture and every table is in its own order.
(function () {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const DENSITY = 10; // Units of a picture's view box per pixel.
  const LEAST_DRAG = 6; // Pixels that make a drag of a click.
  const EVENT_ROW = 16; // Height of a row of event labels.
  const narrow = window.matchMedia("(max-width:640px)");

  function element(parent, name, attributes, text) {
    const made = parent.namespaceURI === SVG || name === "g"
      ? document.createElementNS(SVG, name)
      : document.createElement(name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    return parent.appendChild(made);
  }

  function clamp(value, low, high) {
    return Math.min(Math.max(value, low), high);
  }

  // ---- numbers in words, as the tables print them ----

  function threeDigits(value) {
    return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
  }

  function duration(us) {
    if (us < 999.5) return threeDigits(us) + " µs";
    if (us < 999500) return threeDigits(us / 1e3) + " ms";
    return threeDigits(us / 1e6) + " s";
  }

  function perSecond(rate) {
    if (rate < 10) return rate.toFixed(2) + "/s";
    if (rate < 1000) return rate.toFixed(1) + "/s";
    return rate.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ",") + "/s";
  }

  function percentile(coordinate) {
    const percent = 100 * (1 - Math.pow(10, -coordinate));
    return percent.toFixed(clamp(Math.ceil(coordinate) - 1, 0, 9)) + " %";
  }

  // ---- one figure ----

  class Plot {
    constructor(figure, data, page) {
      this.figure = figure;
      this.data = data;
      this.page = page;
      this.overTime = data.x.scale === "seconds";
      this.numbered = data.x.scale === "run" || data.x.scale === "round";
      this.from = data.x.min;
      this.to = data.x.max;
      this.stops = this.findStops();
      this.at = null; // Where the cursor is, a coordinate.
      this.stage = figure.querySelector(".stage");
      this.stage.tabIndex = 0;
      this.stage.setAttribute("role", "group");
      this.stage.setAttribute(
        "aria-label",
        figure.dataset.title + ". Left and right arrow keys read values" +
          (this.overTime ? ", plus and minus zoom in time, Escape shows everything." : "."));
      this.readout = element(figure, "p", { class: "readout", "aria-live": "polite" });
      this.stage.after(this.readout);
      if (this.overTime) this.addButtons();
      // The static pictures, to return to.
      this.originals = new Map();
      for (const svg of figure.querySelectorAll("svg")) {
        const moving = svg.querySelector("g.moving");
        this.originals.set(svg, moving.innerHTML);
        element(svg, "g", { class: "cursor", transform: "scale(" + DENSITY + ")" });
      }
      this.rest();
      this.listen();
    }

    // The places at which the arrow keys stop.
    findStops() {
      const stops = new Set();
      if (this.numbered) {
        for (const panel of this.data.panels)
          for (const series of panel.series)
            if (series.stroke === "dots") series.parts.forEach((part) => stops.add(part.x[0]));
      } else if (!this.overTime) {
        for (let step = 0; step <= 100; step++) stops.add(this.data.x.max * step / 100);
        for (let nines = 1; nines <= this.data.x.max; nines++) stops.add(nines);
        stops.add(Math.log10(2));
      }
      for (const panel of this.data.panels)
        for (const series of panel.series)
          if (this.overTime)
            for (const part of series.parts)
              part.y.forEach((_, index) => stops.add((part.x[index] + part.x[index + 1]) / 2));
      // A curve may end before its axis does.
      const ends = this.data.panels.flatMap((panel) =>
        panel.series.flatMap((series) => series.parts.map((part) => part.x[part.x.length - 1])));
      const last = ends.reduce((a, b) => Math.max(a, b), this.data.x.min);
      return [...stops].filter((at) => at <= last).sort((a, b) => a - b);
    }

    addButtons() {
      const tools = element(this.figure, "div", { class: "tools" });
      this.stage.before(tools);
      const button = (text, label, act) => {
        const made = element(tools, "button", { type: "button", "aria-label": label, title: label }, text);
        made.addEventListener("click", act);
        return made;
      };
      button("+", "Zoom in", () => this.zoomBy(0.5));
      this.out = button("\u2212", "Zoom out", () => this.zoomBy(2));
      this.reset = button("Reset", "Show the whole time", () => this.page.zoom(null));
      this.out.disabled = this.reset.disabled = true;
    }

    svg() {
      return this.figure.querySelector(narrow.matches ? "svg.narrow" : "svg.wide");
    }

    frame(panel) {
      const [left, right, top, bottom] = panel[narrow.matches ? "narrow" : "wide"];
      return { left, right, top, bottom };
    }

    x(frame, at) {
      return frame.left + (at - this.from) / (this.to - this.from) * (frame.right - frame.left);
    }

    y(frame, value) {
      const { scale, min, max } = this.data.y;
      const at = scale === "log-us" ? Math.log10(Math.max(value, 1)) : value;
      return frame.bottom - (at - min) / (max - min) * (frame.bottom - frame.top);
    }

    // ---- pointer and keys ----

    listen() {
      const stage = this.stage;
      let pressed = null;
      const place = (event) => {
        const box = this.svg().getBoundingClientRect();
        const scale = this.svg().viewBox.baseVal.width / DENSITY / box.width;
        const at = { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
        const frames = this.data.panels.map((panel) => this.frame(panel));
        const inside = (frame) => at.y > frame.top - 40 && at.y < frame.bottom + 24 &&
          at.x > frame.left - 12 && at.x < frame.right + 12;
        const frame = frames.find(inside) || (pressed && pressed.frame) || frames[0];
        const share = clamp((at.x - frame.left) / (frame.right - frame.left), 0, 1);
        const exact = this.from + share * (this.to - this.from);
        return { pixel: at.x, frame, at: this.numbered ? this.nearestStop(exact) : exact };
      };
      stage.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        pressed = place(event);
        this.move(pressed.at);
        if (this.overTime) stage.setPointerCapture(event.pointerId);
      });
      stage.addEventListener("pointermove", (event) => {
        const now = place(event);
        this.move(now.at);
        const dragged = pressed && this.overTime && Math.abs(now.pixel - pressed.pixel) >= LEAST_DRAG;
        this.select(dragged ? [pressed.at, now.at] : null);
      });
      stage.addEventListener("pointerup", (event) => {
        if (!pressed) return;
        const now = place(event);
        const dragged = this.overTime && Math.abs(now.pixel - pressed.pixel) >= LEAST_DRAG;
        const range = [Math.min(pressed.at, now.at), Math.max(pressed.at, now.at)];
        pressed = null;
        this.select(null);
        if (dragged) this.page.zoom(range);
      });
      stage.addEventListener("pointercancel", () => {
        pressed = null;
        this.select(null);
      });
      stage.addEventListener("pointerleave", (event) => {
        // A finger that is lifted leaves its values to be read.
        if (event.pointerType === "mouse" && !pressed && document.activeElement !== stage) this.rest();
      });
      stage.addEventListener("blur", () => this.rest());
      stage.addEventListener("dblclick", () => this.overTime && this.page.zoom(null));
      stage.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const act = {
          ArrowLeft: () => this.step(event.shiftKey ? -10 : -1),
          ArrowRight: () => this.step(event.shiftKey ? 10 : 1),
          PageUp: () => this.step(-10),
          PageDown: () => this.step(10),
          Home: () => this.step(-Infinity),
          End: () => this.step(Infinity),
          "+": () => this.zoomBy(0.5),
          "=": () => this.zoomBy(0.5),
          "-": () => this.zoomBy(2),
          Escape: () => this.overTime && this.page.zoom(null),
        }[event.key];
        if (act) {
          event.preventDefault();
          act();
        }
      });
    }

    nearestStop(at) {
      return this.stops.reduce((best, stop) => Math.abs(stop - at) < Math.abs(best - at) ? stop : best, this.stops[0]);
    }

    // Moves the cursor by so many stops within what is shown.
    step(by) {
      const shown = this.stops.filter((at) => at >= this.from && at <= this.to);
      if (!shown.length) return;
      let index = 0;
      if (this.at !== null) {
        const nearest = (best, at, i) => Math.abs(at - this.at) < Math.abs(shown[best] - this.at) ? i : best;
        index = shown.reduce(nearest, 0) + by;
      } else if (by === Infinity || (by < 0 && by !== -Infinity)) {
        index = shown.length - 1;
      }
      this.move(shown[clamp(index, 0, shown.length - 1)]);
    }

    // ---- cursor and read-out ----

    rest() {
      this.at = null;
      for (const layer of this.figure.querySelectorAll("g.cursor")) layer.replaceChildren();
      this.readout.textContent = this.overTime
        ? "Point, touch or use the arrow keys to read values; drag to zoom in time."
        : "Point, touch or use the arrow keys to read values.";
    }

    // The value of a series at a coordinate; undefined in a gap.
    valueAt(series, at) {
      for (const { x, y } of series.parts) {
        if (!x.length || at < x[0] || at > x[x.length - 1]) continue;
        let after = x.findIndex((value) => value > at);
        if (after < 0) after = x.length - 1;
        if (x.length > y.length) return y[Math.max(after - 1, 0)];
        const [x0, x1, y0, y1] = [x[after - 1], x[after], y[after - 1], y[after]];
        if (after === 0 || x1 === x0 || y0 === y1) return y1;
        const share = (at - x0) / (x1 - x0);
        // Straight in the picture, whose y axis is logarithmic.
        return Math.exp(Math.log(Math.max(y0, 1)) * (1 - share) + Math.log(Math.max(y1, 1)) * share);
      }
      return undefined;
    }

    move(at) {
      this.at = at;
      const layer = this.svg().querySelector("g.cursor");
      layer.replaceChildren();
      const where = this.overTime ? this.timeWords(at)
        : this.numbered ? this.data.x.scale + " " + at
        : "p = " + percentile(at);
      const line = document.createDocumentFragment();
      element(line, "b", {}, where);
      const several = this.data.panels.length > 1;
      for (const panel of this.data.panels) {
        const frame = this.frame(panel);
        const x = this.x(frame, at);
        element(layer, "line", { x1: x, x2: x, y1: frame.top, y2: frame.bottom, class: "hair" });
        for (const series of panel.series) {
          const value = this.valueAt(series, at);
          if (value === undefined) continue;
          const color = "var(--" + series.color + ")";
          element(layer, "circle", { cx: x, cy: this.y(frame, value), r: 3.5, fill: color });
          const item = element(line, "span", {});
          element(item, "i", { style: "background:" + color });
          const name = several ? panel.title + " " + series.label : series.label;
          item.append(name + " ");
          element(item, "b", {}, this.data.y.scale === "log-us" ? duration(value) : perSecond(value));
        }
      }
      const reach = (this.to - this.from) / 100;
      for (const mark of this.data.marks)
        if (mark.text && Math.abs(mark.at - at) <= reach)
          element(line, "span", { class: "event" }, mark.number + " " + mark.text);
      for (const [from, to] of this.data.bands)
        if (at >= from && at <= to)
          element(line, "span", { class: "event" }, "nothing completed for " + duration((to - from) * 1e6));
      this.readout.replaceChildren(line);
    }

    // Times count from the start of the run in which they lie.
    timeWords(at) {
      const borders = this.data.marks.filter((mark) => !mark.text).map((mark) => mark.at);
      const run = borders.filter((border) => border <= at).length;
      const start = run ? borders[run - 1] : 0;
      return (borders.length ? "run " + (run + 1) + ", " : "") + "+" + (at - start).toFixed(2) + " s";
    }

    // ---- zoom ----

    select(range) {
      const layer = this.svg().querySelector("g.cursor");
      layer.querySelectorAll("rect").forEach((rect) => rect.remove());
      if (!range) return;
      for (const panel of this.data.panels) {
        const frame = this.frame(panel);
        const [a, b] = range.map((at) => this.x(frame, at)).sort((a, b) => a - b);
        element(layer, "rect", {
          x: a, width: b - a, y: frame.top, height: frame.bottom - frame.top, class: "selection",
        });
      }
    }

    zoomBy(factor) {
      if (!this.overTime) return;
      const length = (this.to - this.from) * factor;
      const middle = this.at !== null ? this.at : (this.from + this.to) / 2;
      this.page.zoom([middle - length / 2, middle + length / 2]);
    }

    show(range) {
      const { min, max } = this.data.x;
      [this.from, this.to] = range || [min, max];
      const whole = range === null;
      this.out.disabled = this.reset.disabled = whole;
      for (const [svg, original] of this.originals) {
        const moving = svg.querySelector("g.moving");
        moving.innerHTML = whole ? original : "";
      }
      if (!whole) this.redraw();
      if (this.at !== null) this.move(clamp(this.at, this.from, this.to));
    }

    // Paints what is shown of the x axis into the visible picture, as the static picture has the whole.
    redraw() {
      const svg = this.svg();
      const moving = svg.querySelector("g.moving");
      moving.replaceChildren();
      const group = element(moving, "g", { transform: "scale(" + DENSITY + ")" });
      this.data.panels.forEach((panel, index) => {
        const frame = this.frame(panel);
        const id = "clip-" + this.figure.dataset.figure + "-" + index;
        const clip = element(element(group, "defs", {}), "clipPath", { id });
        element(clip, "rect", {
          x: frame.left, width: frame.right - frame.left, y: frame.top - 2, height: frame.bottom - frame.top + 4,
        });
        const inside = element(group, "g", { "clip-path": "url(#" + id + ")" });
        for (const [from, to] of this.data.bands) {
          const x = this.x(frame, from);
          element(inside, "rect", {
            x, width: Math.max(this.x(frame, to) - x, 2), y: frame.top, height: frame.bottom - frame.top,
            fill: "var(--mark)", opacity: 0.12,
          });
        }
        this.drawMarks(group, frame);
        this.drawTimes(group, frame);
        for (const series of [...panel.series].reverse()) this.drawSeries(inside, frame, series);
      });
    }

    drawSeries(group, frame, series) {
      const color = "var(--" + series.color + ")";
      for (const { x, y } of series.parts) {
        const points = [];
        y.forEach((value, index) => {
          if (x[index + 1] < this.from || x[index] > this.to) return;
          const at = this.y(frame, value).toFixed(1);
          points.push(this.x(frame, x[index]).toFixed(1) + "," + at, this.x(frame, x[index + 1]).toFixed(1) + "," + at);
        });
        if (!points.length) continue;
        if (series.stroke === "area") {
          const ends = [points[points.length - 1], points[0]].map((point) => point.split(",")[0] + "," + frame.bottom);
          element(group, "polygon", { points: points.concat(ends).join(" "), fill: color, opacity: 0.12 });
        }
        const dashed = series.stroke === "dashed";
        element(group, "polyline", {
          points: points.join(" "), fill: "none", stroke: color, "stroke-width": dashed ? 1.6 : 2,
          "stroke-dasharray": dashed ? "5 3.5" : "none",
        });
      }
    }

    // Lines of events and of borders between runs; labels as the static picture places them: those of the lowest
    // rank choose first, and one without room is reduced to its number or left out.
    drawMarks(group, frame) {
      const several = this.data.panels.length > 1;
      const rows = several ? 1 : 3;
      const shown = this.data.marks
        .filter((mark) => mark.at >= this.from && mark.at <= this.to)
        .map((mark) => {
          const x = this.x(frame, mark.at);
          const stroke = mark.number ? "var(--mark)" : "var(--axis)";
          const line = element(group, "line", { x1: x, x2: x, y1: frame.top, y2: frame.bottom, stroke });
          return { mark, x, line };
        });
      const taken = [];
      const events = shown.filter(({ mark }) => mark.number).sort((a, b) => a.mark.rank - b.mark.rank);
      for (const { mark, x, line } of events) {
        const number = String(mark.number);
        const label = element(group, "text", { class: "event-label" });
        const placed = (several ? [number] : [number + ": " + mark.text, number]).some((text) => {
          label.textContent = text;
          const width = label.getComputedTextLength();
          const left = Math.max(Math.min(x - 3, frame.right - width), frame.left);
          const right = left + width;
          const free = (row) => taken.every((other) =>
            other.row !== row || right + 10 <= other.left || left >= other.right + 10);
          const row = [0, 1, 2].slice(0, rows).find(free);
          if (row === undefined) return false;
          label.setAttribute("x", left);
          label.setAttribute("y", frame.top - EVENT_ROW * row - 4);
          line.setAttribute("y1", frame.top - EVENT_ROW * row);
          taken.push({ row, left, right });
          return true;
        });
        if (!placed) label.remove();
      }
    }

    drawTimes(group, frame) {
      const wanted = (frame.right - frame.left) / (narrow.matches ? 60 : 90);
      const least = (this.to - this.from) / wanted;
      const power = Math.pow(10, Math.floor(Math.log10(least)));
      const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= least * 0.999);
      const decimals = clamp(-Math.floor(Math.log10(step) + 1e-9), 0, 6);
      for (let n = Math.ceil(this.from / step - 1e-9); n * step <= this.to + 1e-9; n++) {
        const x = this.x(frame, n * step);
        element(group, "line", { x1: x, x2: x, y1: frame.bottom, y2: frame.bottom + 4, stroke: "var(--axis)" });
        element(group, "text", {
          x, y: frame.bottom + 18, "font-size": 12, "text-anchor": "middle", fill: "var(--muted)",
        }, (n * step).toFixed(decimals));
      }
    }
  }

  // ---- all figures of one result ----

  class Page {
    constructor() {
      this.plots = [];
      this.range = null;
    }

    // Every figure over time shows the same range; null is everything.
    zoom(range) {
      const timed = this.plots.filter((plot) => plot.overTime);
      if (range && timed.length) {
        const { min, max } = timed[0].data.x;
        const length = Math.max(range[1] - range[0], (max - min) / 1e4);
        const from = clamp(range[0], min, Math.max(max - length, min));
        range = length >= max - min ? null : [from, from + length];
      }
      this.range = range;
      timed.forEach((plot) => plot.show(range));
    }
  }

  // ---- tables ----

  // A body of a table is a group of rows that stays together; its first row with values stands for it. In a table
  // with one body the rows are sorted. `data-last` keeps a body behind the others.
  function makeSortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    const single = table.tBodies.length === 1;
    const parts = single ? [...table.tBodies[0].rows] : [...table.tBodies];
    if (parts.length < 2) return;
    const key = (part, column) => {
      const row = single ? part : [...part.rows].find((row) => row.cells.length > 1);
      const cell = row && row.cells[column];
      if (!cell) return null;
      if (column === 0 && !single) return part.dataset.name || "";
      return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
    };
    heads.forEach((head, column) => {
      if (!parts.some((part) => key(part, column) !== null)) return;
      const text = head.textContent || "name";
      head.textContent = "";
      const button = element(head, "button", { type: "button", class: "sort" }, text);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") === "descending" || (column === 0 && !head.hasAttribute("aria-sort"));
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const order = [...parts].sort((a, b) => {
          const last = ("last" in a.dataset) - ("last" in b.dataset);
          if (last) return last;
          const [x, y] = [key(a, column), key(b, column)];
          if (x === null || y === null) return (x === null) - (y === null);
          const less = typeof x === "string" ? x.localeCompare(y) : x - y;
          return up ? less : -less;
        });
        (single ? table.tBodies[0] : table).append(...order);
      });
    });
  }

  const data = document.getElementById("figures");
  const figures = data ? JSON.parse(data.textContent) : [];
  const pages = new Map();
  for (const figure of document.querySelectorAll("figure[data-figure]")) {
    const result = figure.dataset.result;
    if (!pages.has(result)) pages.set(result, new Page());
    const page = pages.get(result);
    page.plots.push(new Plot(figure, figures[Number(figure.dataset.figure)], page));
  }
  narrow.addEventListener("change", () => pages.forEach((page) => page.zoom(page.range)));
  document.querySelectorAll("table.sortable").forEach(makeSortable);
})();
