// The panel of a mixture: one slider a model, the predicted loss with its interval while they move, the measured one
// when they have rested.

import { clamp, fixed, withHalf } from "./alpha.js";
import { SAID, SETTLED, afterRest, draggable, element, perFrame } from "./dom.js";
import { placeOf, predict, surrogateOf, weightsAt } from "./mixtures.js";

const [LOW, HIGH] = [-1, 2]; // limits of a free weight's slider; the marker on the map may go further

const tidy = (weights) => weights.map((w) => Math.round(w * 1000) / 1000 || 0);

export class MixturePart {
  constructor(parent, store) {
    this.store = store;
    this.rows = element("div", { class: "wse-weights" });
    this.reading = element("output", { class: "wse-predicted" });
    this.live = element("div", { class: "wse-said", role: "status", "aria-live": "polite" });
    this.root = element("div", { class: "wse wse-mixture" }, this.rows, this.reading, this.live);
    parent.replaceChildren(this.root);
    this.data = {};
    this.show = perFrame(() => this.render());
    this.rest = afterRest(SETTLED, () => this.settle());
    this.say = afterRest(SAID, (text) => { this.live.textContent = text; });
    this.off = store.on(() => this.changed());
  }

  async update(data) {
    const before = this.data;
    this.data = data;
    if (data.surrogate !== before.surrogate) this.surrogate = surrogateOf(data.surrogate && JSON.parse(data.surrogate));
    if (JSON.stringify(data.names) !== JSON.stringify(before.names)) this.build();
    if (JSON.stringify(data.plane) !== JSON.stringify(before.plane)) {
      const made = data.plane;
      this.plane = { ...made, at: (w) => placeOf(made, w), nearest: (xy) => tidy(weightsAt(made, xy)) };
    }
    const { plane } = this;
    const known = data.start === this.store.state.start && this.store.state.weights?.length === data.names.length;
    const weights = known ? this.store.state.weights : data.weights;
    if (!known) this.asked = JSON.stringify(weights);
    this.store.set({ start: data.start, weights, plane, surrogate: this.surrogate });
  }

  build() {
    this.sliders = this.data.names.map((name, j) => {
      const track = element("div", { class: "wse-track" });
      const thumb = element("div", { class: "wse-thumb", role: "slider", tabindex: "0", "aria-label": name });
      const slider = element("div", { class: "wse-slider wse-inline" }, track, thumb);
      const value = element("output", { class: "wse-weight" });
      const label = element("div", { class: "wse-name", title: name }, name);
      const move = (event) => {
        const box = slider.getBoundingClientRect();
        this.set(j, this.low() + clamp((event.clientX - box.left - 10) / (box.width - 20), 0, 1) * (this.high()
          - this.low()));
      };
      draggable(slider, { start: move, move });
      thumb.addEventListener("keydown", (event) => this.key(event, j));
      return { row: element("div", { class: "wse-row" }, label, slider, value), slider, track, thumb, value };
    });
    this.rows.replaceChildren(...this.sliders.map((s) => s.row));
  }

  low() { return this.data.plane.simplex ? 0 : LOW; }

  high() { return this.data.plane.simplex ? 1 : HIGH; }

  // One weight is set; on the simplex the others share the rest in their present proportion.
  set(j, value) {
    const weights = [...this.store.state.weights];
    const wanted = clamp(value, this.low(), this.high());
    if (this.data.plane.simplex && weights.length > 1) {
      const others = weights.reduce((sum, w, i) => (i === j ? sum : sum + w), 0);
      weights.forEach((w, i) => {
        if (i !== j) weights[i] = others > 1e-9 ? (w / others) * (1 - wanted) : (1 - wanted) / (weights.length - 1);
      });
    }
    weights[j] = wanted;
    this.store.set({ weights: tidy(weights) });
  }

  key(event, j) {
    const step = event.shiftKey ? 0.1 : 0.01;
    const here = this.store.state.weights[j];
    const targets = { ArrowRight: here + step, ArrowUp: here + step, ArrowLeft: here - step, ArrowDown: here - step,
      Home: this.low(), End: this.high() };
    if (event.key in targets) {
      event.preventDefault();
      this.set(j, targets[event.key]);
    }
  }

  changed() {
    this.show();
    const now = JSON.stringify(this.store.state.weights);
    if (now === this.resting) return;
    this.resting = now;
    this.rest();
  }

  settle() {
    const now = JSON.stringify(this.store.state.weights);
    if (now === this.asked || !this.root.isConnected) return;
    this.asked = now;
    this.send("settled", { start: this.data.start, weights: this.store.state.weights });
  }

  render() {
    const { weights } = this.store.state;
    if (!weights || !this.sliders || weights.length !== this.sliders.length) return;
    const [low, high] = [this.low(), this.high()];
    this.sliders.forEach(({ slider, track, thumb, value }, j) => {
      const width = slider.clientWidth - 20;
      track.style.left = "10px";
      track.style.width = `${width}px`;
      thumb.style.transform = `translateX(${10 + width * clamp((weights[j] - low) / (high - low), 0, 1)}px)`;
      thumb.setAttribute("aria-valuemin", low);
      thumb.setAttribute("aria-valuemax", high);
      thumb.setAttribute("aria-valuenow", weights[j]);
      value.textContent = fixed(weights[j], 2);
    });
    const text = this.text(weights);
    this.reading.textContent = text;
    this.say(text);
  }

  text(weights) {
    const { words, measured } = this.data;
    const known = measured.find((m) => m.weights.every((w, j) => Math.abs(w - weights[j]) < 5e-4));
    if (known) return `${words.measured} ${withHalf(known.loss, known.half)} (95 %)`;
    if (!this.surrogate) return words.none;
    const found = predict(this.surrogate, weights);
    return `${words.predicted} ${fixed(found.loss, 3)} nats, 90 %: ${fixed(found.low, 3)} to ${fixed(found.high, 3)}`;
  }

  destroy() {
    this.off();
    this.rest.stop();
    this.say.stop();
  }
}
