// The axis of α: where an α is drawn, how far a key moves it, and the loss between two measured points.

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// A far axis is drawn on a signed logarithm: sign(α) log₂(1 + |α|).
export const position = (alpha, far) => (far ? Math.sign(alpha) * Math.log2(1 + Math.abs(alpha)) : alpha);
export const inverse = (x, far) => (far ? Math.sign(x) * (2 ** Math.abs(x) - 1) : x);

// α as it is sent and shown: steps of a thousandth, or three figures where the axis is far.
export function rounded(alpha, far) {
  const value = far && Math.abs(alpha) > 1 ? Number(alpha.toPrecision(3)) : Math.round(alpha * 1000) / 1000;
  return value === 0 ? 0 : value;
}

export const shown = (alpha) => Number(alpha.toPrecision(4)).toString().replace("-", "−");

// Decimals that a value with this half width of an interval deserves: two figures of it, as explorer.numbers has it.
export function decimals(half, usual = 3, most = 4) {
  if (!Number.isFinite(half) || half <= 0) return usual;
  return Math.min(Math.max(1 - Number(half.toExponential(1).split("e")[1]), 0), most);
}

// A number with so many decimals and a true minus sign.
export function fixed(value, places) {
  const text = Math.abs(value).toFixed(places);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

// "0.312 ± 0.021 nats", or in percent.
export function withHalf(value, half, percent = false) {
  if (percent) return `${fixed(100 * value, 1)} % ± ${fixed(100 * half, 1)} %`;
  const places = decimals(half);
  return `${fixed(value, places)} ± ${fixed(half, places)} nats`;
}

// {value, half, measured} at α from the points of a curve (sorted by α), or null outside of them. Between two points
// both are read off the straight line that is drawn, which is a guess and said to be one.
export function at(curve, alpha) {
  const { alphas, values, halves, measured } = curve;
  for (let i = 0; i < alphas.length; i += 1) {
    if (Math.abs(alphas[i] - alpha) < 1e-9) return { value: values[i], half: halves[i], measured: measured[i] };
  }
  for (let i = 0; i + 1 < alphas.length; i += 1) {
    if (alphas[i] < alpha && alpha < alphas[i + 1]) {
      const [a, x, b] = [alphas[i], alpha, alphas[i + 1]].map((v) => position(v, curve.far));
      const t = (x - a) / (b - a);
      const mix = (p) => (1 - t) * p[i] + t * p[i + 1];
      return { value: mix(values), half: mix(halves), measured: "between" };
    }
  }
  return null;
}
