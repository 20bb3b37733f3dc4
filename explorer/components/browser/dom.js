// Elements made without HTML text.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Calls `change` at most once a frame.
export function perFrame(change) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      change();
    });
  };
}

export const SETTLED = 250; // milliseconds of rest after which the exact point is asked for
export const SAID = 400; // and after which a screen reader is told

// Calls `act` once nothing has called for it for so long; with the arguments of the last call.
export function afterRest(milliseconds, act) {
  let timer;
  const again = (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), milliseconds);
  };
  again.stop = () => clearTimeout(timer);
  return again;
}

// Follows a pointer from its press on `handle` to its release, wherever it goes.
export function draggable(handle, { start = () => {}, move }) {
  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    handle.focus?.();
    handle.setPointerCapture(event.pointerId);
    start(event);
    const over = () => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("pointerup", over);
      handle.removeEventListener("pointercancel", over);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", over);
    handle.addEventListener("pointercancel", over);
  });
}
