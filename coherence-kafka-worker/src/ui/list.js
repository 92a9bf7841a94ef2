// All connectors.

import { view } from "./api.js";
import { sparkline } from "./charts.js";
import { badge, h, importButton, keyed, number, setText } from "./dom.js";
import { CHARTS } from "./history.js";

const [THROUGHPUT, LAG] = CHARTS;

/** Returns the tasks of a connector by state, the ones that need attention first: `1 FAILED, 2 RUNNING`. */
function taskStates(tasks) {
  const counts = new Map();
  for (const { state } of tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
  const order = ([state]) => (state === "FAILED" ? 0 : 1);
  return [...counts].sort((a, b) => order(a) - order(b));
}

function row() {
  const link = h("a");
  const state = badge("");
  const cell = (label) => h("td", { "data-label": label });
  const [type, tasks, rate, lag] = ["Type", "Tasks", "Records/s", "Lag"].map(cell);
  const line = sparkline();
  const element = h("tr", {},
    h("th", { scope: "row" }, link),
    h("td", { "data-label": "State" }, state),
    type, tasks, rate, lag,
    h("td", { "data-label": "Trend", class: "line-cell" }, line));
  rate.className = lag.className = "number";
  element.update = ([name, { status }, history]) => {
    setText(link, name);
    link.href = view(name);
    state.update(status.connector.state);
    setText(type, status.type);
    keyed(tasks, taskStates(status.tasks), ([state]) => state, () => {
      const [count, states] = [h("span"), badge("")];
      const item = h("span", { class: "count" }, count, states);
      item.update = ([state, now]) => {
        setText(count, `${now} `);
        states.update(state);
      };
      return item;
    });
    setText(rate, number(history.now(name, THROUGHPUT)));
    setText(lag, number(history.now(name, LAG)));
    line.update(history.of(name, THROUGHPUT).slice(-1));
  };
  return element;
}

/** The table of all connectors, with a search where there are many. */
export function listView({ create }) {
  const heading = h("h1", { tabindex: "-1" }, "Connectors");
  const search = h("input", { type: "search", id: "search", oninput: () => shown && update(shown) });
  const searchField = h("p", { class: "search", hidden: true }, h("label", { for: "search" }, "Find"), search);
  const body = h("tbody");
  const headings = ["Connector", "State", "Type", "Tasks", "Records/s", "Lag", "Trend"];
  const table = h("table", { class: "connectors", "aria-label": "Connectors" },
    h("thead", {}, h("tr", {}, headings.map((text) => h("th", { scope: "col" }, text)))), body);
  const empty = h("p", { class: "empty", hidden: true });
  let shown = null;

  function update(state) {
    shown = state;
    const all = Object.entries(state.connectors).sort(([a], [b]) => a.localeCompare(b));
    searchField.hidden = all.length < 10;
    const text = searchField.hidden ? "" : search.value.toLowerCase();
    const found = all.filter(([name]) => name.toLowerCase().includes(text));
    setText(heading, all.length ? `Connectors (${all.length})` : "Connectors");
    table.hidden = found.length === 0;
    empty.hidden = found.length > 0;
    const none = "The worker has no connectors. Create one, or import its JSON file.";
    setText(empty, all.length ? "No connector has this in its name." : none);
    keyed(body, found.map(([name, connector]) => [name, connector, state.history]), ([name]) => name, row);
  }

  const element = h("div", {},
    h("div", { class: "title" }, heading,
      h("div", { class: "actions" },
        importButton(create),
        h("a", { class: "button primary", href: "#/create" }, "Create connector"))),
    searchField, table, empty);
  return { title: "Connectors", element, update };
}
