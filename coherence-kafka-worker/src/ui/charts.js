// Lines over the last five minutes. The text alternative of a chart has its last, least and greatest values.

import { h, keyed, number, setText, svg } from "./dom.js";
import { KEPT } from "./history.js";

/** Returns 1, 2 or 5 times a power of ten: the least that is not below a value. */
function ceiling(value) {
  if (!(value > 0)) return 10;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((bound) => bound >= value);
}

/** Returns the path of a line in a square of 100; unknown values leave gaps. */
function path(points, { end, length }, top) {
  let drawn = "";
  let pen = "M";
  for (const { time, value } of points) {
    if (value === null) {
      pen = "M";
      continue;
    }
    const x = 100 - ((end - time) / length) * 100;
    drawn += `${pen}${x.toFixed(2)} ${(100 - (value / top) * 100).toFixed(2)}`;
    pen = "L";
  }
  return drawn;
}

const values = (points) => points.map(({ value }) => value).filter((value) => value !== null);

/** Returns when the lines end and how long they are: whole minutes, so that the scale seldom changes. */
function windowOf(series) {
  const end = Math.max(...series.map(({ points }) => points.at(-1).time));
  const begin = Math.min(...series.map(({ points }) => points[0].time));
  const minutes = Math.max(1, Math.ceil((end - begin) / 60000));
  return { end, minutes, length: Math.min(KEPT, minutes * 60000) };
}
const topOf = (series) => ceiling(Math.max(0, ...series.flatMap(({ points }) => values(points))));

function drawing(attributes) {
  return svg("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", ...attributes });
}

function draw(parent, series, top) {
  const window = windowOf(series);
  const items = series.map(({ label, points }) => ({ label, drawn: path(points, window, top) }));
  keyed(parent, items, ({ label }) => label, () => {
    const line = svg("path", { class: "line", "vector-effect": "non-scaling-stroke" });
    line.update = ({ drawn }) => line.setAttribute("d", drawn);
    return line;
  });
}

/** A small line without axes, for a table that has the number next to it. */
export function sparkline() {
  const element = drawing({ class: "sparkline", "aria-hidden": "true", focusable: "false" });
  element.update = (series) => draw(element, series, topOf(series));
  return element;
}

function summary(title, unit, series) {
  const texts = series.map(({ label, points }) => {
    const known = values(points);
    if (known.length === 0) return `${label}: no values yet`;
    const [least, greatest] = [Math.min(...known), Math.max(...known)];
    return `${label}: now ${number(points.at(-1).value)}, least ${number(least)}, greatest ${number(greatest)}`;
  });
  return `${title} of the last 5 minutes in ${unit}. ${texts.join(". ")}.`;
}

/** A chart with axes, a legend with the last values, and a text alternative. */
export function chart({ title, unit }) {
  const [upper, middle, begin] = [h("span"), h("span"), h("span")];
  const lines = svg("g");
  const grid = svg("path", { class: "grid", d: "M0 0H100M0 50H100M0 100H100", "vector-effect": "non-scaling-stroke" });
  const image = drawing({ role: "img" });
  image.append(grid, lines);
  const legend = h("ul", { class: "legend" });
  const element = h("figure", { class: "chart" },
    h("figcaption", {}, h("h2", {}, title), h("span", {}, unit)),
    h("div", { class: "plot" },
      h("div", { class: "scale", "aria-hidden": "true" }, upper, middle, h("span", {}, "0")),
      image),
    h("div", { class: "times", "aria-hidden": "true" }, begin, h("span", {}, "now")),
    legend);
  element.update = (series) => {
    const top = topOf(series);
    setText(upper, number(top));
    setText(middle, number(top / 2));
    setText(begin, `${Math.min(5, windowOf(series).minutes)} min ago`);
    image.setAttribute("aria-label", summary(title, unit, series));
    draw(lines, series, top);
    keyed(legend, series, ({ label }) => label, ({ label }) => {
      const value = h("strong");
      const mark = svg("svg", { viewBox: "0 0 18 4", class: "mark", "aria-hidden": "true" },
        svg("path", { class: "line", d: "M0 2H18" }));
      const item = h("li", {}, mark, `${label} `, value);
      item.update = ({ points }) => setText(value, number(points.at(-1)?.value));
      return item;
    });
  };
  return element;
}
