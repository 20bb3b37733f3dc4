// Entry of the browser side: mounts one part (a map, a curve, …) into the element Streamlit gives it.
//
// Parts of one page that show the same path share a store by the name of their `link`, so a marker dragged on one
// moves on all of them without the server. Nothing here writes HTML: text goes in as text nodes.

import { loadPlotly } from "./plotly.js";
import { MapPart } from "./map.js";
import { CurvePart } from "./curve.js";
import { MixturePart } from "./mixture.js";
import { FigurePart } from "./figure.js";
import { PresentingPart } from "./presenting.js";
import { storeOf } from "./store.js";

// Shows nothing: that a part is mounted is what the chart library is loaded for, before there is anything to draw.
class AheadPart {
  update() {}
  destroy() {}
}

const PARTS = { map: MapPart, curve: CurvePart, mixture: MixturePart, figure: FigurePart, presenting: PresentingPart,
  ahead: AheadPart };
const mounted = new WeakMap();

export default function mount({ data, parentElement, setTriggerValue }) {
  let part = mounted.get(parentElement);
  if (!part || part.kind !== data.part) {
    part = new PARTS[data.part](parentElement, storeOf(data.link), loadPlotly(data.plotly));
    part.kind = data.part;
    mounted.set(parentElement, part);
  }
  part.send = setTriggerValue;
  part.update(data);
  return () => setTimeout(() => {
    if (!parentElement.isConnected) {
      part.destroy();
      mounted.delete(parentElement);
    }
  });
}
