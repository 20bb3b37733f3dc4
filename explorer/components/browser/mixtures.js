// Mixtures of k models on the map, and the loss predicted for them: the steps of explorer/paths/mixture.py and
// explorer/statistics/compact.py, one by one, so that browser and library agree.

const PULL = 1e-4;

const dot = (a, b) => a.reduce((sum, v, i) => sum + v * b[i], 0);
const minus = (a, b) => a.map((v, i) => v - b[i]);

// Solves a small system in place by elimination with pivoting.
function solve(matrix, right) {
  const n = right.length;
  const rows = matrix.map((row, i) => [...row, right[i]]);
  for (let c = 0; c < n; c += 1) {
    let best = c;
    for (let r = c + 1; r < n; r += 1) if (Math.abs(rows[r][c]) > Math.abs(rows[best][c])) best = r;
    [rows[c], rows[best]] = [rows[best], rows[c]];
    for (let r = 0; r < n; r += 1) {
      if (r === c) continue;
      const factor = rows[r][c] / rows[c][c];
      for (let k = c; k <= n; k += 1) rows[r][k] -= factor * rows[c][k];
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}

// Where the mixture of these weights lies: what they lack to 1 is on the base.
export function placeOf({ places, origin }, weights) {
  const rest = 1 - weights.reduce((a, b) => a + b, 0);
  return origin.map((o, axis) => rest * o + weights.reduce((sum, w, j) => sum + w * places[j][axis], 0));
}

// The weights that lie at a place of the map, or as near as they can.
export function weightsAt({ places, origin, simplex }, target) {
  return simplex ? convex(places, target) : free(places.map((p) => minus(p, origin)), minus(target, origin));
}

function free(arms, target) {
  const dims = target.length;
  const even = 1 / arms.length;
  const square = [...Array(dims)].map((_, a) => [...Array(dims)].map((__, b) => arms.reduce((s, p) => s + p[a] * p[b],
    0)));
  const size = square.reduce((sum, row, i) => sum + row[i], 0);
  if (size === 0) return arms.map(() => even);
  square.forEach((row, i) => { row[i] += 1e-10 * size; });
  const reach = [...Array(dims)].map((_, a) => arms.reduce((s, p) => s + p[a] * even, 0));
  const step = solve(square, minus(target, reach));
  return arms.map((p) => even + dot(p, step));
}

function convex(places, target) {
  const k = places.length;
  const centre = target.map((_, axis) => places.reduce((s, p) => s + p[axis], 0) / k);
  const radius = Math.sqrt(places.reduce((s, p) => s + dot(minus(p, centre), minus(p, centre)), 0) / k) || 1;
  const p = places.map((v) => minus(v, centre).map((x) => x / radius));
  const t = minus(target, centre).map((x) => x / radius);
  const far = p.map((v) => dot(minus(v, t), minus(v, t)));
  const nearest = far.indexOf(Math.min(...far));
  let w = p.map((_, i) => (i === nearest ? 1 : 0));
  const chosen = w.map((v) => v > 0);
  for (let turn = 0; turn < 10 * k; turn += 1) {
    const set = p.map((_, i) => i).filter((i) => chosen[i]);
    const best = over(set.map((i) => p[i]), t);
    const wanted = Array(k).fill(0);
    set.forEach((i, at) => { wanted[i] = best[at]; });
    const falling = set.filter((i) => wanted[i] <= 0);
    if (falling.length) {
      const shares = falling.map((i) => w[i] / (w[i] - wanted[i]));
      const share = Math.min(...shares);
      const first = falling[shares.indexOf(share)];
      w = w.map((v, i) => Math.max(v + share * (wanted[i] - v), 0));
      w[first] = 0;
      chosen[first] = false;
      continue;
    }
    w = wanted;
    const gap = t.map((x, axis) => p.reduce((s, v, i) => s + v[axis] * w[i], 0) - x);
    const slope = p.map((v, i) => dot(v, gap) + PULL * (w[i] - 1 / k));
    const outside = slope.map((s, i) => (chosen[i] ? Infinity : s));
    const lowest = outside.indexOf(Math.min(...outside));
    const mean = set.reduce((s, i) => s + slope[i], 0) / set.length;
    const size = 1 + Math.max(...slope.map(Math.abs));
    if (set.length === k || slope[lowest] >= mean - 1e-12 * size) break;
    chosen[lowest] = true;
  }
  return w;
}

function over(p, t) {
  const s = p.length;
  const mean = t.map((_, axis) => p.reduce((sum, v) => sum + v[axis], 0) / s);
  const centred = p.map((v) => minus(v, mean));
  const system = t.map((_, a) => t.map((__, b) => (a === b ? 1 : 0) + centred.reduce((sum, v) => sum + v[a] * v[b], 0)
    / PULL));
  const r = solve(system, minus(mean, t));
  return centred.map((v) => 1 / s - dot(v, r) / PULL);
}

// A fitted surrogate as it came from the server; `lower` is base64 of float32, n × n.
export function surrogateOf(raw) {
  if (!raw) return null;
  const bytes = Uint8Array.from(atob(raw.lower), (c) => c.charCodeAt(0));
  return { ...raw, lower: new Float32Array(bytes.buffer) };
}

// {loss, low, high} in nats of the mixture of these weights: 90 % interval.
export function predict(s, weights) {
  const n = s.weights.length;
  const square = dot(weights, s.Q.map((row) => dot(row, weights)));
  const norm = Math.sqrt(Math.max(square, 0));
  const slope = Math.min(norm / s.median, s.furthest);
  const near = new Float64Array(n);
  let centre = 0;
  for (let i = 0; i < n; i += 1) {
    let inner = 0;
    for (let j = 0; j < weights.length; j += 1) inner += weights[j] * s.S[j][i];
    let apart = Math.max(0, square + s.squares[i] - 2 * inner);
    apart = (apart + (norm - s.norms[i]) ** 2) / (s.median * s.median);
    const r = Math.sqrt(5 * apart) / s.length;
    near[i] = s.amplitude * (1 + r + (r * r) / 3) * Math.exp(-r)
      + s.trend * slope * Math.min(s.norms[i] / s.median, s.furthest);
    centre += near[i] * s.weights[i];
  }
  const prior = s.amplitude + s.trend * slope * slope + s.noise;
  let variance = prior;
  for (let i = 0; i < n; i += 1) {
    let row = 0;
    for (let j = 0; j <= i; j += 1) row += s.lower[i * n + j] * near[j];
    variance -= row * row;
  }
  variance = Math.max(variance, s.floor);
  variance *= 1 + (s.doubt - 1) * Math.sqrt(Math.min(variance / prior, 1));
  const middle = s.mean + s.scale * centre;
  const half = s.quantile * s.scale * Math.sqrt(variance);
  return { loss: Math.exp(middle), low: Math.exp(middle - half), high: Math.exp(middle + half) };
}

// Predicted losses on a grid over the map, null where a mixture can't lie or the interval is wider than a factor.
export function field(plane, surrogate, [x0, x1], [y0, y1], cells, widest) {
  const at = (low, high, i) => low + ((high - low) * (i + 0.5)) / cells;
  const x = [...Array(cells)].map((_, i) => at(x0, x1, i));
  const y = [...Array(cells)].map((_, i) => at(y0, y1, i));
  const size = Math.max(x1 - x0, y1 - y0);
  const z = y.map((v) => x.map((u) => {
    const weights = weightsAt(plane, [u, v]);
    const spot = placeOf(plane, weights);
    if (Math.hypot(spot[0] - u, spot[1] - v) > size / cells) return null;
    const found = predict(surrogate, weights);
    return found.high / found.low > widest ? null : found.loss;
  }));
  return { x, y, z };
}
