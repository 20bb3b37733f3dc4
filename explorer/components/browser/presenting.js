// The slim bar under a presented view: where in the story one is, its keys, the speaker's notes, full screen.
//
// Page keys and arrows step. Arrows move α instead while its slider was reached with Tab: who has dragged it with the
// mouse goes on with the story by the next key.

import { afterRest, element } from "./dom.js";

const NEXT = ["ArrowRight", "PageDown"];
const BEFORE = ["ArrowLeft", "PageUp"];
let notesShown = false; // stays from step to step

export class PresentingPart {
  constructor(parent) {
    this.before = this.button("←", "Previous step", () => this.go(-1));
    this.next = this.button("→", "Next step", () => this.go(1));
    this.count = element("span", { class: "wse-count" });
    this.title = element("h1", { class: "wse-title" });
    this.toggle = this.button("Notes", "Show or hide the speaker's notes (N)", () => this.switchNotes());
    this.away = element("a", { target: "_blank", rel: "noopener", title: "Notes in a window of their own, for the " +
      "speaker's screen" }, "Notes window");
    this.full = this.button("Full screen", "Fill the screen (F)", () => this.fill());
    this.end = this.button("End", "End the presentation (Escape)", () => this.send("ended", true));
    this.notes = element("div", { class: "wse-notes", role: "note", hidden: "" });
    this.done = element("div", { class: "wse-done" });
    this.root = element("div", { class: "wse wse-bar", role: "toolbar", "aria-label": "Presentation" }, this.done,
      this.before, this.next, this.count, this.title, this.toggle, this.away, this.full, this.end);
    parent.replaceChildren(this.notes, this.root);
    this.tabbed = false;
    const size = afterRest(300, () => this.measure());
    const listening = { signal: (this.stop = new AbortController()).signal, capture: true };
    document.addEventListener("keydown", (event) => this.key(event), listening);
    document.addEventListener("pointerdown", () => { this.tabbed = false; }, listening);
    window.addEventListener("resize", size, listening);
  }

  button(text, title, act) {
    const made = element("button", { type: "button", title, "aria-label": text.length < 2 ? title : null }, text);
    made.addEventListener("click", act);
    return made;
  }

  update(data) {
    this.data = data;
    this.count.textContent = `${data.step} / ${data.total}`;
    this.title.textContent = data.title;
    this.title.title = data.story;
    this.before.disabled = data.step <= 1;
    this.next.disabled = data.step >= data.total;
    this.done.style.width = `${(100 * data.step) / data.total}%`;
    this.away.href = data.window;
    this.notes.textContent = data.notes || "No notes for this step.";
    this.notes.hidden = !notesShown;
    this.toggle.setAttribute("aria-pressed", notesShown);
    this.full.hidden = !document.fullscreenEnabled;
    this.measure();
  }

  go(by) {
    const step = this.data.step + by;
    if (step >= 1 && step <= this.data.total) this.send("stepped", step);
  }

  key(event) {
    if (event.key === "Tab") this.tabbed = true;
    if (event.ctrlKey || event.altKey || event.metaKey || !this.root.isConnected) return;
    const at = event.target;
    if (at.closest?.("input, textarea, select, [contenteditable=true]")) return;
    const inner = this.tabbed && at.closest?.("[role=slider], [role=tab], [role=radio]");
    if (inner && event.key !== "Escape" && !(event.key.startsWith("Page") && at.closest("[role=tab]"))) return;
    const known = event.key.toLowerCase();
    if (NEXT.includes(event.key)) this.go(1);
    else if (BEFORE.includes(event.key)) this.go(-1);
    else if (event.key === "Escape") this.send("ended", true);
    else if (known === "n") this.switchNotes();
    else if (known === "f") this.fill();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  switchNotes() {
    notesShown = !notesShown;
    this.update(this.data);
  }

  fill() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.();
  }

  // Figures are as tall as the screen allows, which the server must know.
  measure() {
    const height = window.innerHeight;
    if (Math.abs(height - (this.told ?? this.data.height)) < 16) return;
    this.told = height;
    this.send("sized", height);
  }

  destroy() {
    this.stop.abort();
  }
}
