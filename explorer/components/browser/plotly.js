// plotly.js, fetched once from the app's own server.

let loading = null;

export function loadPlotly(url) {
  loading ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null;
      reject(new Error("the chart library could not be fetched from this server"));
    };
    document.head.append(script);
  });
  return loading;
}

// Below this width a legend or a colour bar beside the figure would leave no room for it.
export const NARROW = 560;

// Puts what stands beside a figure below it where there is no room. Groups of a legend that lies flat would each take
// a column, so there they are entries like others.
export function narrowed(figure) {
  const { layout, data } = figure;
  if (layout.width >= NARROW) return figure;
  const size = Math.max(8, (layout.legend?.font?.size ?? layout.template?.layout?.legend?.font?.size ?? 13) - 1);
  if (layout.showlegend !== false && layout.legend?.orientation === "v") {
    for (const trace of data) {
      delete trace.legendgroup;
      delete trace.legendgrouptitle;
    }
    layout.legend = { ...layout.legend, orientation: "h", x: 0, xanchor: "left", y: 0, yanchor: "bottom",
      yref: "container", font: { ...layout.legend.font, size }, entrywidth: 0.5, entrywidthmode: "fraction" };
  }
  for (const { marker } of data) {
    if (!marker?.colorbar || !layout.margin) continue;
    const title = { ...marker.colorbar.title, side: "bottom" };
    marker.colorbar = { ...marker.colorbar, orientation: "h", x: 0.5, xanchor: "center", y: -0.1, yanchor: "top",
      len: 0.9, title };
  }
  return figure;
}

let webgl = null;

// Whether this browser draws by WebGL; asked once, as a browser has few such canvases to give.
export function hasWebGL() {
  if (webgl === null) {
    const context = document.createElement("canvas").getContext("webgl");
    webgl = Boolean(context);
    context?.getExtension("WEBGL_lose_context")?.loseContext();
  }
  return webgl;
}

// A flat map of more than `most` dots is drawn by WebGL, where there is it: an element of the page for each of them is
// what takes so long. All marks on it are, since those that are not would lie below the dots.
export function crowded(figure, most) {
  const flat = figure.data.filter((t) => (t.type ?? "scatter") === "scatter");
  const dots = flat.reduce((sum, t) => sum + (t.customdata?.length ?? 0), 0);
  if (most === undefined || dots <= most || !hasWebGL()) return figure;
  for (const trace of flat) trace.type = "scattergl";
  return figure;
}

// Keeps a plot as wide as its frame; returns what ends that, and the drawing with it. `again` draws anew where the
// width has become another kind.
export function fitted(loading, plot, frame, again) {
  const watch = new ResizeObserver(() => {
    const width = frame.clientWidth;
    const before = plot._fullLayout?.width;
    if (!width || !before || before === width) return;
    if (again && width < NARROW !== before < NARROW) again();
    else loading.then((Plotly) => Plotly.relayout(plot, { width }));
  });
  watch.observe(frame);
  return () => {
    watch.disconnect();
    if (window.Plotly && plot._fullLayout) window.Plotly.purge(plot);
  };
}

// Draws a figure. Nothing of it may be sent to anybody: plotly's button for that is off.
export function draw(Plotly, element, figure, config) {
  const base = { displaylogo: false, showSendToCloud: false, responsive: false, ...config };
  return Plotly.react(element, figure.data, figure.layout, base);
}
