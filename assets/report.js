// Makes the page of a report interactive: values at a cursor, zoom in time, sorting of tables.
// The page is complete without this script: every figure is a static picture and every table has a default order.
(function () {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const DENSITY = 10; // Units of the view box per pixel of a picture.
  const LEAST_DRAG = 6; // Pixels that a pointer must move to drag.
  const NEAR = 12; // Pixels within which a pointer chooses a dot.
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

  // ---- numbers as text, in the format of the tables ----

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

  // ---- the common part of all figures ----

  class Stage {
    // `keys` explains the keys to screen readers; `hint` is shown while nothing is chosen.
    constructor(figure, keys, hint) {
      this.figure = figure;
      this.hint = hint;
      this.stage = figure.querySelector(".stage");
      this.stage.tabIndex = 0;
      this.stage.setAttribute("role", "group");
      this.stage.setAttribute("aria-label", figure.dataset.title + ". " + keys);
      this.readout = element(figure, "p", { class: "readout", "aria-live": "polite" }, hint);
      this.stage.after(this.readout);
      for (const svg of figure.querySelectorAll("svg"))
        element(svg, "g", { class: "cursor", transform: "scale(" + DENSITY + ")" });
    }

    svg() {
      return this.figure.querySelector(narrow.matches ? "svg.narrow" : "svg.wide");
    }

    frame(part) {
      const [left, right, top, bottom] = part[narrow.matches ? "narrow" : "wide"];
      return { left, right, top, bottom };
    }

    // The place of a pointer event in the picture.
    place(event) {
      const svg = this.svg();
      const box = svg.getBoundingClientRect();
      const scale = svg.viewBox.baseVal.width / DENSITY / box.width;
      return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
    }

    // Clears the cursor and returns its layer in the visible picture.
    cursor() {
      for (const layer of this.figure.querySelectorAll("g.cursor")) layer.replaceChildren();
      return this.svg().querySelector("g.cursor");
    }

    clear() {
      this.cursor();
      this.readout.textContent = this.hint;
    }

    onKeys(actions) {
      this.stage.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const act = actions(event)[event.key];
        if (!act) return;
        event.preventDefault();
        act();
      });
    }
  }

  // ---- a plot with axes ----

  class Plot extends Stage {
    constructor(figure, data, page) {
      const overTime = data.x.scale === "seconds";
      super(
        figure,
        "Left and right arrow keys read values" +
          (overTime ? ", plus and minus zoom in time, Escape shows everything." : "."),
        "Point, touch or use the arrow keys to read values" + (overTime ? "; drag to zoom in time." : "."));
      this.data = data;
      this.page = page;
      this.overTime = overTime;
      // Whether values exist only at single places: runs, rounds, or the rates of a capacity search.
      this.single = data.x.scale !== "percentile" && !overTime;
      this.from = data.x.min;
      this.to = data.x.max;
      this.stops = this.findStops();
      this.at = null; // The coordinate of the cursor.
      if (overTime) this.addButtons();
      // The static pictures, which are restored when a zoom ends.
      this.originals = new Map();
      for (const svg of figure.querySelectorAll("svg"))
        this.originals.set(svg, svg.querySelector("g.moving").innerHTML);
      this.listen();
    }

    // The places at which the arrow keys stop.
    findStops() {
      const stops = new Set();
      if (this.single) {
        for (const panel of this.data.panels)
          for (const series of panel.series)
            if (series.stroke === "dots" || series.stroke === "solid")
              series.parts.forEach((part) => part.x.forEach((at) => stops.add(at)));
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
      // A curve may end before its axis.
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
        const at = this.place(event);
        const frames = this.data.panels.map((panel) => this.frame(panel));
        const inside = (frame) => at.y > frame.top - 40 && at.y < frame.bottom + 24 &&
          at.x > frame.left - 12 && at.x < frame.right + 12;
        const frame = frames.find(inside) || (pressed && pressed.frame) || frames[0];
        const share = clamp((at.x - frame.left) / (frame.right - frame.left), 0, 1);
        const exact = this.from + share * (this.to - this.from);
        return { pixel: at.x, frame, at: this.single ? this.nearestStop(exact) : exact };
      };
      stage.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        if (!event.isPrimary) {
          // A second finger begins a pinch, which ends the drag.
          pressed = null;
          this.select(null);
          return;
        }
        pressed = place(event);
        this.move(pressed.at);
        if (this.overTime) stage.setPointerCapture(event.pointerId);
      });
      stage.addEventListener("pointermove", (event) => {
        if (!event.isPrimary) return;
        const now = place(event);
        this.move(now.at);
        const dragged = pressed && this.overTime && Math.abs(now.pixel - pressed.pixel) >= LEAST_DRAG;
        this.select(dragged ? [pressed.at, now.at] : null);
      });
      stage.addEventListener("pointerup", (event) => {
        if (!pressed || !event.isPrimary) return;
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
        // After a touch the values stay visible.
        if (event.pointerType === "mouse" && !pressed && document.activeElement !== stage) this.rest();
      });
      stage.addEventListener("blur", () => this.rest());
      stage.addEventListener("dblclick", () => this.overTime && this.page.zoom(null));
      this.onKeys((event) => ({
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
      }));
    }

    nearestStop(at) {
      return this.stops.reduce((best, stop) => Math.abs(stop - at) < Math.abs(best - at) ? stop : best, this.stops[0]);
    }

    // Moves the cursor by a number of stops within the visible range.
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
      this.clear();
    }

    // The value of a series at a coordinate; undefined in a gap.
    valueAt(series, at) {
      for (const { x, y } of series.parts) {
        if (!x.length || at < x[0] || at > x[x.length - 1]) continue;
        // A vertical line has no value.
        if (x.length > 1 && x[0] === x[x.length - 1]) continue;
        let after = x.findIndex((value) => value > at);
        if (after < 0) after = x.length - 1;
        if (x.length > y.length) return y[Math.max(after - 1, 0)];
        const [x0, x1, y0, y1] = [x[after - 1], x[after], y[after - 1], y[after]];
        if (after === 0 || x1 === x0 || y0 === y1) return y1;
        const share = (at - x0) / (x1 - x0);
        // Interpolates on the logarithmic y axis, so the value lies on the painted line.
        return Math.exp(Math.log(Math.max(y0, 1)) * (1 - share) + Math.log(Math.max(y1, 1)) * share);
      }
      return undefined;
    }

    move(at) {
      this.at = at;
      const layer = this.cursor();
      const where = {
        seconds: () => this.timeWords(at),
        percentile: () => "p = " + percentile(at),
        linear: () => perSecond(at) + " asked",
        category: () => this.data.x.names[Math.round(at)],
        run: () => "run " + at,
        round: () => "round " + at,
      }[this.data.x.scale]();
      const line = document.createDocumentFragment();
      element(line, "b", {}, where);
      const several = this.data.panels.length > 1;
      for (const panel of this.data.panels) {
        const frame = this.frame(panel);
        const x = this.x(frame, at);
        element(layer, "line", { x1: x, x2: x, y1: frame.top, y2: frame.bottom, class: "hair" });
        for (const series of panel.series) {
          const color = "var(--" + series.color + ")";
          if (this.data.y.scale === "sessions") {
            this.countSessions(line, series, at, color);
            continue;
          }
          const value = this.valueAt(series, at);
          if (value === undefined) continue;
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
      for (const band of this.data.bands)
        if (at >= band.from && at <= band.to)
          element(line, "span", { class: "event" }, band.labels[0]);
      this.readout.replaceChildren(line);
    }

    // Tells how many bars of a series lie across the cursor.
    countSessions(line, series, at, color) {
      const across = series.parts.filter(({ x }) => at >= x[0] && at <= x[x.length - 1]).length;
      if (!across) return;
      const item = element(line, "span", {});
      element(item, "i", { style: "background:" + color });
      item.append(series.label + " ");
      element(item, "b", {}, across + (across === 1 ? " session" : " sessions"));
    }

    // A time as text, relative to the start of its run or to a fault.
    timeWords(at) {
      const borders = this.data.marks.filter((mark) => !mark.text).map((mark) => mark.at);
      const run = borders.filter((border) => border <= at).length;
      const start = run ? borders[run - 1] : 0;
      const decimals = this.to - this.from < 5 ? 3 : 2;
      const since = (at - start).toFixed(decimals);
      return (borders.length ? "run " + (run + 1) + ", " : "") + (since < 0 ? "" : "+") + since + " s";
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

    // Paints the visible range of the x axis in the style of the static picture.
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
        for (const band of this.data.bands) {
          const x = this.x(frame, band.from);
          element(inside, "rect", {
            x, width: Math.max(this.x(frame, band.to) - x, 2), y: frame.top, height: frame.bottom - frame.top,
            fill: "var(--" + band.color + ")", opacity: 0.12,
          });
          this.drawBandLabel(inside, frame, band);
        }
        this.drawMarks(group, frame);
        this.drawTimes(group, frame);
        for (const series of [...panel.series].reverse()) this.drawSeries(inside, frame, series);
      });
    }

    // Labels the visible part of a shaded stretch with the first text that fits.
    drawBandLabel(group, frame, band) {
      const left = Math.max(this.x(frame, band.from), frame.left);
      const right = Math.min(this.x(frame, band.to), frame.right);
      const label = element(group, "text", {
        x: (left + right) / 2, y: frame.top + band.label_at * (frame.bottom - frame.top),
        class: "event-label", "text-anchor": "middle", style: "fill:var(--" + band.color + ")",
      });
      const fits = band.labels.some((text) => {
        label.textContent = text;
        return label.getComputedTextLength() + 8 <= right - left;
      });
      if (!fits) label.remove();
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

    // Paints the lines of events and of borders between runs, and the labels of events. Labels are placed as in the
    // static picture: those of the lowest rank first. A label without room becomes its number or is left out.
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

  // ---- the ratios of a comparison ----

  class Forest extends Stage {
    constructor(figure, data) {
      super(
        figure,
        "Up and down arrow keys choose a metric, left and right arrow keys one of its dots.",
        "Point, touch or use the arrow keys to read values.");
      this.rows = data.rows;
      this.rows.forEach((row) => row.dots.sort((a, b) => a.at - b.at));
      this.row = null; // Index of the chosen row.
      this.dot = null; // Index of the chosen dot of that row.
      const choose = (event) => this.choose(this.place(event));
      this.stage.addEventListener("pointerdown", choose);
      this.stage.addEventListener("pointermove", choose);
      this.stage.addEventListener("pointerleave", (event) => {
        // After a touch the values stay visible.
        if (event.pointerType === "mouse" && document.activeElement !== this.stage) this.rest();
      });
      this.stage.addEventListener("blur", () => this.rest());
      narrow.addEventListener("change", () => this.rest());
      const last = this.rows.length - 1;
      this.onKeys(() => ({
        ArrowUp: () => this.show(this.row === null ? last : Math.max(this.row - 1, 0), null),
        ArrowDown: () => this.show(this.row === null ? 0 : Math.min(this.row + 1, last), null),
        Home: () => this.show(0, null),
        End: () => this.show(last, null),
        ArrowLeft: () => this.step(-1),
        ArrowRight: () => this.step(1),
        Escape: () => this.rest(),
      }));
    }

    rest() {
      this.row = this.dot = null;
      this.clear();
    }

    x(row, dot) {
      const { left, right } = this.frame(row);
      return left + dot.at * (right - left);
    }

    y(row) {
      const { top, bottom } = this.frame(row);
      return (top + bottom) / 2;
    }

    // Chooses the row nearest to a place, and a dot of that row if one is near.
    choose(at) {
      const nearest = (items, distance) => items.reduce((best, item, index) =>
        best === null || distance(item) < distance(items[best]) ? index : best, null);
      const row = nearest(this.rows, (row) => Math.abs(this.y(row) - at.y));
      if (row === null) return;
      const { dots } = this.rows[row];
      const away = (dot) =>
        Math.hypot(this.x(this.rows[row], dot) - at.x, this.y(this.rows[row]) + dot.below - at.y);
      const dot = nearest(dots, away);
      this.show(row, dot !== null && away(dots[dot]) <= NEAR ? dot : null);
    }

    step(by) {
      if (!this.rows.length) return;
      const row = this.row === null ? 0 : this.row;
      const last = this.rows[row].dots.length - 1;
      const from = this.dot === null ? (by > 0 ? -1 : last + 1) : this.dot;
      this.show(row, last < 0 ? null : clamp(from + by, 0, last));
    }

    show(index, dotIndex) {
      [this.row, this.dot] = [index, dotIndex];
      const layer = this.cursor();
      const row = this.rows[index];
      if (!row) return;
      const { left, right, top, bottom } = this.frame(row);
      element(layer, "rect", { x: left, width: right - left, y: top, height: bottom - top, class: "selection" });
      const line = document.createDocumentFragment();
      element(line, "b", {}, row.name);
      const dot = dotIndex === null ? null : row.dots[dotIndex];
      if (dot) {
        element(layer, "circle", { cx: this.x(row, dot), cy: this.y(row) + dot.below, r: 4.5, class: "chosen" });
        element(line, "span", {}, dot.text);
      } else {
        for (const [name, value] of row.facts)
          element(element(line, "span", {}, name + " "), "b", {}, value);
      }
      this.readout.replaceChildren(line);
    }
  }

  // ---- all figures of one result ----

  class Page {
    constructor() {
      this.plots = [];
      this.range = null;
    }

    // Sets the range of all figures over time; null is the whole time.
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

  // Returns the parts of a table that are sorted. In a table with one body these are its rows, without headings. In a
  // table with several bodies they are the bodies; the first row with values represents its body, and a body with
  // `data-last` stays behind the others.
  function partsOf(table) {
    if (table.tBodies.length === 1) {
      const rows = [...table.tBodies[0].rows].filter((row) => !row.classList.contains("op"));
      return rows.map((row) => ({ node: row, row }));
    }
    return [...table.tBodies].map((body) => ({
      node: body,
      row: [...body.rows].find((row) => row.cells.length > 1),
      name: body.dataset.name || "",
      last: "last" in body.dataset,
    }));
  }

  function valueOf(part, column) {
    if (column === 0 && part.name !== undefined) return part.name;
    const cell = part.row && part.row.cells[column];
    return cell && cell.dataset.value !== undefined ? Number(cell.dataset.value) : null;
  }

  function compareParts(a, b, column, up) {
    if (a.last !== b.last) return a.last ? 1 : -1;
    const [x, y] = [valueOf(a, column), valueOf(b, column)];
    if (x === null || y === null) return (x === null) - (y === null);
    const less = typeof x === "string" ? x.localeCompare(y) : x - y;
    return up ? less : -less;
  }

  // A first click on the head of a column sorts by it, a second reverses the order, a third restores the default order.
  function makeSortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    const parts = partsOf(table);
    if (parts.length < 2) return;
    const place = table.tBodies.length === 1 ? table.tBodies[0] : table;
    const original = place === table ? parts.map((part) => part.node) : [...place.rows];
    heads.forEach((head, column) => {
      if (!parts.some((part) => valueOf(part, column) !== null)) return;
      const text = head.textContent || "name";
      head.textContent = "";
      const button = element(head, "button", { type: "button", class: "sort" }, text);
      const orders = column === 0 ? ["ascending", "descending"] : ["descending", "ascending"];
      button.addEventListener("click", () => {
        const order = orders[orders.indexOf(head.getAttribute("aria-sort")) + 1];
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        table.classList.toggle("sorted", order !== undefined);
        if (order === undefined) {
          place.append(...original);
          return;
        }
        head.setAttribute("aria-sort", order);
        const sorted = [...parts].sort((a, b) => compareParts(a, b, column, order === "ascending"));
        place.append(...sorted.map((part) => part.node));
      });
    });
  }

  const data = document.getElementById("figures");
  const figures = data ? JSON.parse(data.textContent) : [];
  const pages = new Map();
  for (const figure of document.querySelectorAll("figure[data-figure]")) {
    const own = figures[Number(figure.dataset.figure)];
    if (own.rows) {
      new Forest(figure, own);
      continue;
    }
    const result = figure.dataset.result;
    if (!pages.has(result)) pages.set(result, new Page());
    const page = pages.get(result);
    page.plots.push(new Plot(figure, own, page));
  }
  narrow.addEventListener("change", () => pages.forEach((page) => page.zoom(page.range)));
  document.querySelectorAll("table.sortable").forEach(makeSortable);
})();
