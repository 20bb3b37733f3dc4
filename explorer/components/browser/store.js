// What the parts of a page share while something is dragged: the place of the marker and what is known of the loss.

const stores = new Map();

export function storeOf(link) {
  if (!stores.has(link)) stores.set(link, new Store());
  return stores.get(link);
}

class Store {
  constructor() {
    this.state = { path: null, alpha: null, limits: null, curve: null, weights: null };
    this.listeners = new Set();
  }

  // `patch` joins the state; listeners hear of it at once, in the same frame.
  set(patch) {
    Object.assign(this.state, patch);
    for (const listener of this.listeners) listener(this.state);
  }

  on(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
