// The loss curve and its slider: α is dragged here, the known curve answers at once, the server when α has settled.

import { draw, fitted } from "./plotly.js";
import { at, clamp, inverse, position, rounded, shown, withHalf } from "./alpha.js";
import { SAID, SETTLED, afterRest, draggable, element, perFrame } from "./dom.js";

export class CurvePart {
  constructor(parent, store, plotly) {
    this.store = store;
    this.plotly = plotly;
    this.plot = element("div", { class: "wse-plot" });
    this.line = element("div", { class: "wse-line", "aria-hidden": "true", hidden: "" });
    this.dot = element("div", { class: "wse-dot", "aria-hidden": "true", hidden: "" });
    this.track = element("div", { class: "wse-track" });
    this.thumb = element("div", { class: "wse-thumb", role: "slider", tabindex: "0", "aria-orientation": "horizontal",
      hidden: "" });
    this.slider = element("div", { class: "wse-slider" }, this.track, this.thumb);
    this.value = element("output", { class: "wse-reading" });
    this.live = element("div", { class: "wse-said", role: "status", "aria-live": "polite" });
    this.root = element("div", { class: "wse wse-curve" }, this.plot, this.line, this.dot, this.slider, this.value,
      this.live);
    parent.replaceChildren(this.root);
    this.data = {};
    this.place = perFrame(() => this.placeMarker());
    this.rest = afterRest(SETTLED, () => this.settle());
    this.say = afterRest(SAID, (text) => { this.live.textContent = text; });
    this.off = store.on(() => this.changed());
    this.drop = fitted(plotly, this.plot, this.root);
    this.thumb.addEventListener("keydown", (event) => this.key(event));
    const drag = {
      start: (event) => this.dragTo(event),
      move: (event) => this.dragTo(event),
    };
    draggable(this.slider, drag);
    draggable(this.dot, drag);
  }

  async update(data) {
    const before = this.data;
    this.data = data;
    this.root.style.height = `${data.height}px`;
    const limits = [data.low, data.high];
    // The same path keeps the α its user has, also on another page.
    const known = data.path === this.store.state.path && this.store.state.alpha !== null;
    const alpha = known ? clamp(this.store.state.alpha, data.low, data.high) : data.alpha;
    if (!known || !before.path) this.asked = alpha;
    this.store.set({ alpha, curve: data.curve, limits, path: data.path });
    this.thumb.setAttribute("aria-label", data.label);
    this.thumb.setAttribute("aria-valuemin", data.low);
    this.thumb.setAttribute("aria-valuemax", data.high);
    if (data.figure !== before.figure || data.height !== before.height) {
      const Plotly = await this.plotly;
      if (this.data !== data || !this.root.isConnected) return;
      const figure = JSON.parse(data.figure);
      figure.layout.height = data.height - 46;
      figure.layout.width = this.root.clientWidth;
      await draw(Plotly, this.plot, figure, { displayModeBar: false });
      if (!this.listening) {
        this.listening = true;
        this.plot.on("plotly_afterplot", () => this.place());
        this.plot.on("plotly_click", (event) => {
          const alpha = event.points[0]?.customdata;
          if (typeof alpha === "number") this.move(alpha);
        });
      }
    }
    this.place();
  }

  // -------------------------------------------------------------- moving α

  move(alpha) {
    const { low, high, far } = this.data;
    this.store.set({ alpha: clamp(rounded(alpha, far), low, high) });
  }

  dragTo(event) {
    const { xaxis } = this.plot._fullLayout;
    const x = event.clientX - this.plot.getBoundingClientRect().left - xaxis._offset;
    this.move(inverse(xaxis.p2d(clamp(x, 0, xaxis._length)), this.data.far));
  }

  key(event) {
    const { low, high, far } = this.data;
    const [from, to] = [position(low, far), position(high, far)];
    const step = ((to - from) / 100) * (event.shiftKey ? 10 : 1);
    const here = position(this.store.state.alpha, far);
    const targets = { ArrowRight: here + step, ArrowUp: here + step, ArrowLeft: here - step, ArrowDown: here - step,
      PageUp: here + 10 * step, PageDown: here - 10 * step, Home: from, End: to };
    if (event.key === "Escape") {
      this.send("cleared", true);
    } else if (event.key in targets) {
      event.preventDefault();
      this.move(inverse(clamp(targets[event.key], from, to), far));
    }
  }

  changed() {
    this.place();
    if (this.store.state.alpha === this.resting) return;
    this.resting = this.store.state.alpha;
    this.rest();
  }

  settle() {
    const { alpha } = this.store.state;
    if (alpha === this.asked || alpha === null || !this.root.isConnected) return;
    this.asked = alpha;
    this.send("settled", alpha);
  }

  // -------------------------------------------------------------- showing it

  placeMarker() {
    const { alpha, curve } = this.store.state;
    const layout = this.plot._fullLayout;
    if (!layout?.xaxis || alpha === null || !curve) return;
    const { xaxis, yaxis } = layout;
    const x = xaxis._offset + xaxis.d2p(position(alpha, this.data.far));
    const found = at(curve, alpha);
    this.line.hidden = false;
    this.line.style.transform = `translateX(${x}px)`;
    this.line.style.top = `${yaxis._offset}px`;
    this.line.style.height = `${yaxis._length}px`;
    this.dot.hidden = !found;
    if (found) {
      this.dot.style.transform = `translate(${x}px, ${yaxis._offset + yaxis.d2p(found.value)}px)`;
      this.dot.classList.toggle("wse-guess", found.measured !== "full");
    }
    const [low, high] = [this.data.low, this.data.high].map((a) => xaxis.d2p(position(a, this.data.far)));
    this.track.style.left = `${xaxis._offset + low}px`;
    this.track.style.width = `${high - low}px`;
    this.thumb.style.transform = `translateX(${x}px)`;
    const text = this.reading(alpha, found);
    this.value.textContent = text;
    this.thumb.hidden = false;
    this.thumb.setAttribute("aria-valuenow", alpha);
    this.thumb.setAttribute("aria-valuetext", text);
    this.say(text);
  }

  reading(alpha, found) {
    const { words } = this.data;
    const head = `α = ${shown(alpha)}`;
    if (!found) return `${head} · ${words.unknown}`;
    return `${head} · ${words.quantity} ${withHalf(found.value, found.half, words.percent)} · ${words[found.measured]}`;
  }

  destroy() {
    this.off();
    this.rest.stop();
    this.say.stop();
    this.drop();
  }
}
