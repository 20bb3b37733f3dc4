// The page of a standalone file: shows one view after the other with the app's own map and curve.

(() => {
  const { MapPart } = modules.map;
  const { CurvePart } = modules.curve;
  const { storeOf } = modules.store;
  const { element } = modules.dom;
  const { draw } = modules.plotly;
  const views = JSON.parse(document.getElementById("views").textContent);
  const main = document.querySelector("main");
  const loaded = Promise.resolve(window.Plotly);
  let shown = -1;
  let parts = [];

  function height(share) {
    return Math.max(260, Math.round((window.innerHeight - 150) * share));
  }

  function show(index) {
    if (index < 0 || index >= views.length || index === shown) return;
    shown = index;
    const view = views[index];
    for (const part of parts) part.destroy();
    parts = [];
    for (const [name, value] of Object.entries(view.colours)) document.documentElement.style.setProperty(name, value);
    const head = element("header", {}, element("h1", {}, view.title));
    if (views.length > 1) {
      const back = element("button", { type: "button", "aria-label": "Previous view" }, "‹");
      const on = element("button", { type: "button", "aria-label": "Next view" }, "›");
      back.disabled = index === 0;
      on.disabled = index === views.length - 1;
      back.addEventListener("click", () => show(index - 1));
      on.addEventListener("click", () => show(index + 1));
      head.append(element("nav", {}, back, element("span", {}, `${index + 1} of ${views.length}`), on));
    }
    const body = element("div", { class: view.map && view.curve ? "beside" : "alone" });
    main.replaceChildren(head, ...(view.note ? [element("p", {}, view.note)] : []), body);
    // A store of its own for each view, so that α of one says nothing of another.
    const store = storeOf(`view-${index}`);
    const tall = height(1);
    if (view.curve) {
      const data = { part: "curve", height: view.map ? tall : Math.min(tall, 560), far: view.curve.curve.far,
        ...view.curve };
      mount(CurvePart, store, data, body);
    }
    if (view.map) {
      mount(MapPart, store, { part: "map", figure: view.map, height: tall, trail: view.trail, field: null,
        most: view.most, selectable: false, label: "Map" }, body);
    }
    for (const given of view.figures) {
      const place = element("div", { class: "figure" });
      body.append(place);
      const figure = JSON.parse(given);
      figure.layout.height = Math.max(figure.layout.height ?? 0, Math.min(tall, 640));
      figure.layout.width = place.clientWidth;
      draw(window.Plotly, place, figure, { responsive: true });
    }
  }

  function mount(Part, store, data, body) {
    const place = element("div");
    body.append(place);
    const part = new Part(place, store, loaded);
    part.send = () => {};
    part.update(data);
    parts.push(part);
  }

  document.addEventListener("keydown", (event) => {
    // The slider of α has taken the arrows it wants.
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
    if (step) show(shown + step);
    if (event.key === "Home") show(0);
    if (event.key === "End") show(views.length - 1);
  });
  show(0);
})();
