// What the metrics were in the last minutes. The page keeps it; a reload begins again.

import { buckets, quantile, sums } from "./metrics.js";

/** How long a value is kept, in milliseconds. */
export const KEPT = 5 * 60 * 1000;

const LATENCY = "coherence_kafka_sink_latency_seconds";

/** The charts of a connector. A line whose metric does not exist is left out, and so is a chart without lines. */
export const CHARTS = [
  {
    title: "Throughput",
    unit: "records/s",
    lines: [
      { label: "read", rate: "kafka_connect_sink_task_sink_record_read_total" },
      { label: "confirmed", rate: "coherence_kafka_sink_records_confirmed_total" },
      { label: "submitted", rate: "coherence_kafka_source_records_total" },
      { label: "acknowledged", rate: "coherence_kafka_source_acknowledged_total" },
    ],
  },
  {
    title: "Lag",
    unit: "records",
    lines: [
      { label: "behind the topics", gauge: "coherence_kafka_sink_records_lag" },
      { label: "without acknowledgement", gauge: "coherence_kafka_source_in_flight" },
    ],
  },
  {
    title: "Latency",
    unit: "ms",
    lines: [
      { label: "median", histogram: LATENCY, share: 0.5 },
      { label: "99th percentile", histogram: LATENCY, share: 0.99 },
    ],
  },
];

const lines = CHARTS.flatMap((chart) => chart.lines);

/** The values of each line, by connector. */
export class History {
  #points = new Map();
  #last = null;

  /** Adds the state of the metrics at a time. */
  add(time, metrics) {
    const seconds = this.#last ? (time - this.#last.time) / 1000 : 0;
    // Two states right behind each other, as after an action, make no rate.
    if (this.#last && seconds < 1) return;
    const states = lines.map(({ rate, gauge, histogram }) =>
      histogram ? buckets(metrics, histogram) : sums(metrics, rate ?? gauge),
    );
    states.forEach((state, index) => {
      for (const [connector, now] of state) {
        const before = this.#last?.states[index].get(connector);
        const value = valueOf(lines[index], before, now, seconds);
        this.#pointsOf(connector, index).push({ time, value });
      }
    });
    for (const [connector, of] of this.#points) {
      of.forEach((points) => {
        while (points.length && points[0].time < time - KEPT) points.shift();
      });
      if (of.every((points) => points.length === 0)) this.#points.delete(connector);
    }
    this.#last = { time, states };
  }

  #pointsOf(connector, index) {
    if (!this.#points.has(connector)) this.#points.set(connector, lines.map(() => []));
    return this.#points.get(connector)[index];
  }

  /** Returns the lines of a chart that have values: their labels and their points. */
  of(connector, chart) {
    const series = chart.lines.map((line) => ({
      label: line.label,
      points: this.#points.get(connector)?.[lines.indexOf(line)] ?? [],
    }));
    return series.filter(({ points }) => points.length > 0);
  }

  /** Returns the last value of the last line of a chart: what arrived, rather than what was read. */
  now(connector, chart) {
    return this.of(connector, chart).at(-1)?.points.at(-1)?.value ?? null;
  }
}

function valueOf({ rate, histogram, share }, before, now, seconds) {
  if (histogram) {
    const estimate = before ? quantile(share, before, now) : null;
    return estimate === null ? null : estimate * 1000;
  }
  if (!rate) return now;
  // A count that became less began again.
  return before === undefined || now < before || !(seconds > 0) ? null : (now - before) / seconds;
}
