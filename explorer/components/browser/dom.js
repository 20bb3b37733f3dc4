// Elements made without HTML text.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Calls `change` at most once a frame, with the last value.
export function perFrame(change) {
  let waiting = false;
  let last;
  return (value) => {
    last = value;
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      change(last);
    });
  };
}

// Follows a pointer from its press on `handle` to its release, wherever it goes.
export function draggable(handle, { start = () => {}, move, end = () => {} }) {
  handle.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    handle.focus?.();
    handle.setPointerCapture(event.pointerId);
    start(event);
    const moved = (e) => move(e);
    const over = (e) => {
      handle.removeEventListener("pointermove", moved);
      handle.removeEventListener("pointerup", over);
      handle.removeEventListener("pointercancel", over);
      end(e);
    };
    handle.addEventListener("pointermove", moved);
    handle.addEventListener("pointerup", over);
    handle.addEventListener("pointercancel", over);
  });
}
