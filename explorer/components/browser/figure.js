// A figure that is only looked at: drawn by the plotly.js that the map has fetched already, at the height it is given.

import { draw, fitted } from "./plotly.js";
import { element } from "./dom.js";

export class FigurePart {
  constructor(parent, store, plotly) {
    this.plotly = plotly;
    this.plot = element("div", { class: "wse-plot" });
    this.root = element("div", { class: "wse wse-figure", role: "img" }, this.plot);
    parent.replaceChildren(this.root);
    this.data = {};
    this.drop = fitted(plotly, this.plot, this.root);
  }

  async update(data) {
    const before = this.data;
    this.data = data;
    this.root.style.height = `${data.height}px`;
    this.root.setAttribute("aria-label", data.label);
    if (data.figure === before.figure && data.height === before.height) return;
    const Plotly = await this.plotly;
    if (this.data !== data || !this.root.isConnected) return;
    const figure = JSON.parse(data.figure);
    figure.layout.height = data.height;
    figure.layout.width = this.root.clientWidth;
    await draw(Plotly, this.plot, figure, { displayModeBar: false });
  }

  destroy() {
    this.drop();
  }
}
