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

// Keeps a plot as wide as its frame; returns what ends that, and the drawing with it.
export function fitted(loading, plot, frame) {
  const watch = new ResizeObserver(() => {
    const width = frame.clientWidth;
    if (!width || !plot._fullLayout || plot._fullLayout.width === width) return;
    loading.then((Plotly) => Plotly.relayout(plot, { width }));
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
