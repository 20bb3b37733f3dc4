// The map: a plotly scatter in two or three dimensions, selection in it, and a marker over it that can be dragged.
//
// In two dimensions the marker is an element of the page, so that moving it costs nothing, whatever the number of
// dots; in three it is a trace of its own, because only plotly knows the camera.

import { draw } from "./plotly.js";
import { shown } from "./alpha.js";
import { draggable, element, perFrame } from "./dom.js";
import { field } from "./mixtures.js";

const REMOVED = ["toImage", "autoScale2d", "zoomIn2d", "zoomOut2d", "resetCameraLastSave3d", "tableRotation"];

export class MapPart {
  constructor(parent, store, plotly) {
    this.store = store;
    this.plotly = plotly;
    this.plot = element("div", { class: "wse-plot" });
    this.marker = element("div", { class: "wse-marker", "aria-hidden": "true", hidden: "" });
    this.far = element("div", { class: "wse-far", hidden: "" });
    this.root = element("div", { class: "wse wse-map", tabindex: "0", role: "group" }, this.plot, this.marker, this.far);
    parent.replaceChildren(this.root);
    this.data = {};
    this.place = perFrame(() => this.placeMarker());
    this.off = store.on(() => { this.place(); this.paint(); });
    this.resized = new ResizeObserver(() => this.resize());
    this.resized.observe(this.root);
    this.root.addEventListener("keydown", (event) => this.key(event));
    draggable(this.marker, { move: (event) => this.dragTo(event) });
  }

  async update(data) {
    const before = this.data;
    this.data = data;
    this.root.style.height = `${data.height}px`;
    this.root.setAttribute("aria-label", data.label);
    this.marker.classList.toggle("wse-grab", Boolean(data.trail || data.field));
    if (data.figure !== before.figure || data.height !== before.height) {
      const Plotly = await this.plotly;
      if (this.data !== data || !this.root.isConnected) return;
      await this.redraw(Plotly, data, before);
    }
    this.place();
  }

  async redraw(Plotly, data, before) {
    const figure = JSON.parse(data.figure);
    this.solid = Boolean(figure.layout.scene);
    figure.layout.height = data.height;
    figure.layout.width = this.root.clientWidth;
    if (this.solid) figure.data.push(this.solidMarker());
    this.painted = null;
    // A chosen tool (pan, lasso) stays chosen.
    const mode = this.plot._fullLayout?.dragmode;
    if (!this.solid && mode && before.figure) figure.layout.dragmode = mode;
    if (before.figure && this.solid !== this.wasSolid) Plotly.purge(this.plot);
    this.wasSolid = this.solid;
    await draw(Plotly, this.plot, figure, { scrollZoom: true, modeBarButtonsToRemove: REMOVED });
    if (!this.listening) this.listen();
    this.paint();
  }

  listen() {
    this.listening = true;
    this.plot.removeAllListeners?.();
    this.plot.on("plotly_click", (event) => {
      const id = event.points[0]?.customdata?.[0];
      if (id) this.pick([id], event.event?.shiftKey ? "toggle" : "click");
    });
    this.plot.on("plotly_selected", (event) => {
      const ids = (event?.points ?? []).map((p) => p.customdata?.[0]).filter(Boolean);
      if (ids.length) this.pick([...new Set(ids)], this.shift ? "add" : "replace");
      // The outline has done its work; what is selected is said by colour.
      this.plotly.then((Plotly) => Plotly.relayout(this.plot, { selections: [] }));
    });
    for (const name of ["plotly_afterplot", "plotly_relayouting", "plotly_relayout"]) {
      this.plot.on(name, () => this.place());
    }
    this.plot.addEventListener("mousedown", (event) => { this.shift = event.shiftKey; }, true);
  }

  pick(ids, how) {
    if (this.data.selectable) this.send("picked", { ids, how });
  }

  key(event) {
    if (event.key === "Escape" && this.data.selectable) this.send("picked", { ids: [], how: "clear" });
  }

  resize() {
    const width = this.root.clientWidth;
    if (!width || !this.plot._fullLayout || this.plot._fullLayout.width === width) return;
    this.plotly.then((Plotly) => Plotly.relayout(this.plot, { width }));
  }

  // -------------------------------------------------------------- the marker

  // Place of the marker in the map's coordinates: on the trail of a path, or in the plane of a mixture.
  spot() {
    const { trail } = this.data;
    const { alpha, weights, plane } = this.store.state;
    if (plane && weights) return plane.at(weights);
    if (!trail || alpha === null) return null;
    return along(trail, alpha);
  }

  placeMarker() {
    const spot = this.spot();
    if (this.solid) return this.placeSolid(spot);
    const layout = this.plot._fullLayout;
    const axes = layout?.xaxis && layout?.yaxis;
    this.marker.hidden = !spot || !axes;
    this.far.hidden = true;
    if (!spot || !axes) return undefined;
    const [x, y] = [layout.xaxis.d2p(spot[0]), layout.yaxis.d2p(spot[1])];
    const inside = x >= 0 && x <= layout.xaxis._length && y >= 0 && y <= layout.yaxis._length;
    this.marker.hidden = !inside;
    this.marker.style.transform = `translate(${layout.xaxis._offset + x}px, ${layout.yaxis._offset + y}px)`;
    if (!inside && this.store.state.alpha !== null) {
      this.far.hidden = false;
      this.far.textContent = `α = ${shown(this.store.state.alpha)} lies outside this view`;
    }
    return undefined;
  }

  solidMarker() {
    const spot = this.spot() ?? [null, null, null];
    return { type: "scatter3d", mode: "markers", x: [spot[0]], y: [spot[1]], z: [spot[2]], hoverinfo: "skip",
      showlegend: false, name: "marker", marker: { size: 9, color: this.data.accent, line: { width: 2,
        color: this.data.paper } } };
  }

  placeSolid(spot) {
    this.marker.hidden = true;
    if (!spot || this.moving) return;
    this.moving = true;
    this.plotly.then(async (Plotly) => {
      const last = (this.plot.data?.length ?? 0) - 1;
      if (last >= 0) {
        await Plotly.restyle(this.plot, { x: [[spot[0]]], y: [[spot[1]]], z: [[spot[2]]] }, [last]);
      }
      this.moving = false;
      const now = this.spot();
      if (now && now.some((v, i) => v !== spot[i])) this.place();
    });
  }

  dragTo(event) {
    const layout = this.plot._fullLayout;
    const box = this.plot.getBoundingClientRect();
    const x = layout.xaxis.p2d(event.clientX - box.left - layout.xaxis._offset);
    const y = layout.yaxis.p2d(event.clientY - box.top - layout.yaxis._offset);
    const { plane } = this.store.state;
    if (plane) this.store.set({ weights: plane.nearest([x, y]) });
    else if (this.data.trail) this.store.set({ alpha: nearest(this.data.trail, [x, y], this.store.state) });
  }

  // -------------------------------------------------------------- predicted loss behind the dots

  // The predicted loss of the mixtures under each cell; once for a plane and a surrogate, not while anything moves.
  paint() {
    const { plane, surrogate } = this.store.state;
    const { field: look } = this.data;
    const axes = this.plot._fullLayout?.xaxis;
    const now = [surrogate, plane?.simplex, plane?.places];
    if (!look || !plane || !axes || this.solid || now.every((v, i) => v === this.painted?.[i])) return;
    this.painted = now;
    this.plotly.then((Plotly) => {
      const old = this.plot.data.findIndex((t) => t.name === "predicted loss");
      const { xaxis, yaxis } = this.plot._fullLayout;
      const trace = { type: "heatmap", name: "predicted loss", hoverinfo: "skip", opacity: 0.38, zsmooth: "best",
        colorscale: look.scale, showscale: true, colorbar: { title: { text: look.title, side: "right" }, thickness: 10,
          len: 0.5, y: 0.25, x: 1.0, outlinewidth: 0 } };
      if (!surrogate) return old >= 0 ? Plotly.deleteTraces(this.plot, old) : null;
      Object.assign(trace, field(plane, surrogate, xaxis.range, yaxis.range, look.cells, look.widest));
      if (old >= 0) return Plotly.restyle(this.plot, { x: [trace.x], y: [trace.y], z: [trace.z] }, [old]);
      return Plotly.addTraces(this.plot, trace, 0);
    });
  }

  destroy() {
    this.off();
    this.resized.disconnect();
    if (window.Plotly && this.plot._fullLayout) window.Plotly.purge(this.plot);
  }
}

// The place of an α on a trail of places (m, k) at increasing α; beyond its ends it goes on straight.
export function along({ alphas, places }, alpha) {
  let i = alphas.findIndex((a) => a >= alpha);
  i = i < 0 ? alphas.length - 1 : Math.max(i, 1);
  const t = (alpha - alphas[i - 1]) / (alphas[i] - alphas[i - 1]);
  return places[i].map((to, axis) => places[i - 1][axis] + t * (to - places[i - 1][axis]));
}

// The α of the trail's point nearest to a place, within the limits of the path.
export function nearest({ alphas, places }, target, { limits }) {
  let best = { distance: Infinity, alpha: alphas[0] };
  for (let i = 1; i < alphas.length; i += 1) {
    const step = places[i].map((v, axis) => v - places[i - 1][axis]);
    const length = step.reduce((sum, v) => sum + v * v, 0) || 1;
    let t = target.reduce((sum, v, axis) => sum + (v - places[i - 1][axis]) * step[axis], 0) / length;
    t = Math.max(i === 1 ? -Infinity : 0, Math.min(i === alphas.length - 1 ? Infinity : 1, t));
    let alpha = alphas[i - 1] + t * (alphas[i] - alphas[i - 1]);
    if (limits) alpha = Math.min(Math.max(alpha, limits[0]), limits[1]);
    const spot = along({ alphas, places }, alpha);
    const distance = target.reduce((sum, v, axis) => sum + (v - spot[axis]) ** 2, 0);
    if (distance < best.distance) best = { distance, alpha };
  }
  return Math.round(best.alpha * 1000) / 1000;
}
