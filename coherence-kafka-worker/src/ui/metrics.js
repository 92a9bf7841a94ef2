// The text of `GET /metrics`, in OpenMetrics form.

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

const unescape = (text) => text.replace(/\\(.)/g, (_, c) => (c === "n" ? "\n" : c));

/** Returns the samples of each metric: its labels and its value. */
export function parse(text) {
  const metrics = new Map();
  for (const line of text.split("\n")) {
    const match = line.startsWith("#") ? null : SAMPLE.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? "").matchAll(LABEL)) labels[name] = unescape(value);
    const samples = metrics.get(match[1]) ?? [];
    samples.push({ labels, value: Number(match[3]) });
    metrics.set(match[1], samples);
  }
  return metrics;
}

/** Returns the sum of a metric for each connector. */
export function sums(metrics, name) {
  const sums = new Map();
  for (const { labels, value } of metrics.get(name) ?? []) {
    sums.set(labels.connector, (sums.get(labels.connector) ?? 0) + value);
  }
  return sums;
}

/** Returns the buckets of a histogram for each connector: upper bounds and counts, in their order. */
export function buckets(metrics, name) {
  const all = new Map();
  for (const { labels, value } of metrics.get(`${name}_bucket`) ?? []) {
    const of = all.get(labels.connector) ?? new Map();
    const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
    of.set(bound, (of.get(bound) ?? 0) + value);
    all.set(labels.connector, of);
  }
  return all;
}

/** Returns a quantile of what two states of a histogram have between them, as Prometheus estimates it. */
export function quantile(share, before, now) {
  const bounds = [...now.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => now.get(bound) - (before.get(bound) ?? 0));
  const total = counts.at(-1);
  if (!(total > 0)) return null;
  const rank = share * total;
  const at = counts.findIndex((count) => count >= rank);
  const low = at > 0 ? bounds[at - 1] : 0;
  if (bounds[at] === Infinity) return low;
  const below = at > 0 ? counts[at - 1] : 0;
  return low + (bounds[at] - low) * ((rank - below) / (counts[at] - below || 1));
}
