// The map: a plotly scatter in two or three dimensions, selection in it, and a marker over it that can be dragged.
//
// The marker is an element of the page, so that moving it costs nothing, whatever the number of dots. In three
// dimensions its place on the page comes from the scene's camera, as that of plotly's own annotations does.

import { crowded, draw, fitted, narrowed } from "./plotly.js";
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
    this.drop = fitted(plotly, this.plot, this.root, async () => this.redraw(await plotly, this.data, this.data));
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.plot.addEventListener("mousedown", (event) => { this.shift = event.shiftKey; }, true);
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
    const figure = crowded(JSON.parse(data.figure), data.most);
    this.solid = Boolean(figure.layout.scene);
    figure.layout.height = data.height;
    figure.layout.width = this.root.clientWidth;
    this.painted = null;
    // A chosen tool (pan, lasso) stays chosen.
    const mode = this.plot._fullLayout?.dragmode;
    if (!this.solid && mode && before.figure) figure.layout.dragmode = mode;
    const drawing = this.solid ? "space" : figure.data.some((t) => t.type === "scattergl") ? "crowd" : "plane";
    if (before.figure && drawing !== this.drawing) {
      Plotly.purge(this.plot);
      this.listening = false; // whoever listened is forgotten with the drawing
    }
    this.drawing = drawing;
    await draw(Plotly, this.plot, narrowed(figure), { scrollZoom: true, modeBarButtonsToRemove: REMOVED });
    if (!this.listening) this.listen();
    if (this.solid) this.followCamera();
    this.paint();
  }

  listen() {
    this.listening = true;
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
  }

  pick(ids, how) {
    if (this.data.selectable) this.send("picked", { ids, how });
  }

  key(event) {
    if (event.key === "Escape" && this.data.selectable) this.send("picked", { ids: [], how: "clear" });
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

  // Page coordinates within the plot of a place of the map, and whether it is in view; null before there are axes.
  pixel(spot) {
    const { xaxis, yaxis, scene, _size: size } = this.plot._fullLayout ?? {};
    if (this.solid) {
      const drawn = scene?._scene;
      if (!drawn?.glplot?.cameraParams) return null;
      const p = project(drawn.glplot.cameraParams, spot.map((v, i) => v * drawn.dataScale[i]));
      const x = size.l + 0.5 * (1 + p[0] / p[3]) * size.w;
      const y = size.t + 0.5 * (1 - p[1] / p[3]) * size.h;
      return { x, y, inside: p[3] > 0 && x >= size.l && x <= size.l + size.w && y >= size.t && y <= size.t + size.h };
    }
    if (!xaxis?.d2p || !yaxis?.d2p) return null;
    const [x, y] = [xaxis.d2p(spot[0]), yaxis.d2p(spot[1])];
    const inside = x >= 0 && x <= xaxis._length && y >= 0 && y <= yaxis._length;
    return { x: xaxis._offset + x, y: yaxis._offset + y, inside };
  }

  placeMarker() {
    const spot = this.spot();
    const at = spot && this.pixel(spot);
    this.marker.hidden = !at?.inside;
    this.far.hidden = !at || at.inside || this.store.state.alpha === null;
    if (at) this.marker.style.transform = `translate(${at.x}px, ${at.y}px)`;
    if (!this.far.hidden) this.far.textContent = `α = ${shown(this.store.state.alpha)} lies outside this view`;
  }

  // A scene draws itself whenever its camera moves; the marker follows.
  followCamera() {
    const plot = this.plot._fullLayout.scene?._scene?.glplot;
    if (!plot || plot.followed) return;
    const before = plot.onrender;
    plot.followed = true;
    plot.onrender = (...given) => {
      before?.(...given);
      this.place();
    };
  }

  dragTo(event) {
    const { xaxis, yaxis } = this.plot._fullLayout;
    const box = this.plot.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const { plane, limits } = this.store.state;
    if (plane) {
      this.store.set({ weights: plane.nearest([xaxis.p2d(x - xaxis._offset), yaxis.p2d(y - yaxis._offset)]) });
    } else if (this.data.trail) {
      const alpha = nearest(this.data.trail, limits, (spot) => {
        const at = this.pixel(spot);
        return (at.x - x) ** 2 + (at.y - y) ** 2;
      });
      this.store.set({ alpha });
    }
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
    this.drop();
  }
}

// The place of an α on a trail of places (m, k) at increasing α; beyond its ends it goes on straight.
export function along({ alphas, places }, alpha) {
  let i = alphas.findIndex((a) => a >= alpha);
  i = i < 0 ? alphas.length - 1 : Math.max(i, 1);
  const t = (alpha - alphas[i - 1]) / (alphas[i] - alphas[i - 1]);
  return places[i].map((to, axis) => places[i - 1][axis] + t * (to - places[i - 1][axis]));
}

const STEPS = 400;

// The α within the limits whose point of the trail is nearest to the pointer, by a distance on the page.
export function nearest(trail, limits, distance) {
  const [low, high] = limits ?? [trail.alphas[0], trail.alphas.at(-1)];
  const ends = [Math.max(low, Math.min(trail.alphas[0], 0)), Math.min(high, Math.max(trail.alphas.at(-1), 1))];
  let best = [Infinity, ends[0]];
  for (let i = 0; i <= STEPS; i += 1) {
    const alpha = ends[0] + ((ends[1] - ends[0]) * i) / STEPS;
    const far = distance(along(trail, alpha));
    if (far < best[0]) best = [far, alpha];
  }
  return Math.round(best[1] * 1000) / 1000;
}

// Clip coordinates of a point under a scene's camera (matrices by column, as WebGL has them).
function project({ projection, view, model }, [x, y, z]) {
  const times = (m, v) => [0, 1, 2, 3].map((row) => v.reduce((sum, w, col) => sum + m[4 * col + row] * w, 0));
  return times(projection, times(view, times(model, [x, y, z, 1])));
}
