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

// Draws a figure. Nothing of it may be sent to anybody: plotly's button for that is off.
export function draw(Plotly, element, figure, config) {
  const base = { displaylogo: false, showSendToCloud: false, responsive: false, ...config };
  return Plotly.react(element, figure.data, figure.layout, base);
}
