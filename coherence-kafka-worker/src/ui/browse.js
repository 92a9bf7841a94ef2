// Data of a connector, where the operator allows it: entries of its maps, and the headers of its dead letters.

import { connector as pathOf, data, request, view } from "./api.js";
import { breakable, h, number, setText } from "./dom.js";

/** A longer value is shown by its beginning. */
const SHORT = 400;

const api = (name, last) => data(`/${pathOf(name)}/${last}`);

/** Reads, and shows in `status` what came of it. Of several readings the last one counts. */
function reader(status) {
  let last = null;
  return async (path, show) => {
    const own = (last = {});
    status.classList.remove("error");
    setText(status, "Reading …");
    try {
      const answer = await request("GET", path);
      if (own === last) setText(status, show(answer));
    } catch (error) {
      if (own !== last) return;
      status.classList.add("error");
      setText(status, error.message);
    }
  };
}

/** What is to know about a text that is not all of a value, or not its own. */
function note({ problem, bytes, cut }) {
  const parts = [problem && `Not decoded: ${problem}`, cut && `The beginning of ${number(bytes)} bytes`];
  const text = parts.filter(Boolean).join(". ");
  return text ? h("p", { class: "note" }, text) : null;
}

function frame(name, title, ...children) {
  const element = h("div", {},
    h("nav", { "aria-label": "Path" },
      h("a", { href: "#/" }, "Connectors"), " / ", h("a", { href: view(name) }, name)),
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, title)), children);
  return { title: `${title} – Connectors`, element, update() {} };
}

/** A value, with a button for more of it where it is long. */
function valueCell(value, key, more) {
  const cell = h("td", { "data-label": "Value" });
  const show = (shown) => {
    const long = shown.text.length > SHORT;
    const text = long ? `${shown.text.slice(0, SHORT)}…` : shown.text;
    const button = h("button", { type: "button", "aria-label": `Show more of the value of ${key}` }, "Show more");
    button.addEventListener("click", async () => {
      const all = (await more()) ?? shown;
      const label = `Value of ${key}`;
      const region = h("pre", { class: "whole", tabindex: "0", role: "region", "aria-label": label }, all.text);
      cell.replaceChildren(h("div", {}, region, note(all) ?? ""));
      region.focus();
    });
    cell.replaceChildren(h("div", {}, h("code", {}, text), note(shown) ?? "", long || shown.cut ? button : ""));
  };
  show(value);
  return cell;
}

/** The entries of the maps of a connector: page by page, or those with a key. */
export function entriesView({ name }) {
  const status = h("p", { role: "status" });
  const read = reader(status);
  const maps = h("select", { id: "map", onchange: () => first() });
  const key = h("input", { id: "key", autocomplete: "off", spellcheck: "false", "aria-describedby": "key-help" });
  const body = h("tbody");
  const table = h("table", { class: "connectors entries", hidden: true },
    h("thead", {}, h("tr", {}, ["Key", "Value"].map((text) => h("th", { scope: "col" }, text)))), body);
  const button = (text, onclick) => h("button", { type: "button", onclick }, text);
  let [next, shown] = [null, ""];
  const path = (query) => api(name, `maps/${encodeURIComponent(maps.value)}/entries?${query}`);

  function row({ key: of, value, binary }) {
    const more = async () => {
      if (!binary) return null;
      const { entries } = await request("GET", path(`binary=${binary}`));
      return entries[0]?.value ?? { text: "", problem: "the entry is gone" };
    };
    const head = h("th", { scope: "row" }, h("code", {}, of.text), note(of) ?? "");
    const failed = (error) => ({ text: "", problem: error.message });
    return h("tr", {}, head, valueCell(value, of.text, () => more().catch(failed)));
  }

  function show(answer, none) {
    next = answer.next;
    body.replaceChildren(...answer.entries.map(row));
    table.hidden = answer.entries.length === 0;
    table.setAttribute("aria-label", `Entries of ${maps.value}`);
    onward.setAttribute("aria-disabled", String(next === null));
    if (answer.entries.length === 0) return next ? "No entries found so far, the next page continues." : none;
    const count = answer.entries.length === 1 ? "1 entry" : `${answer.entries.length} entries`;
    return `${shown}${count}${next ? ", more on the next page" : ""}`;
  }

  function first() {
    shown = "";
    return read(path(""), (answer) => show(answer, "The map has no entries."));
  }
  const onward = button("Next page", () => {
    if (next === null) return;
    shown = "Next page: ";
    read(path(`after=${next}`), (answer) => show(answer, "The map has no more entries."));
  });
  onward.setAttribute("aria-disabled", "true");

  const look = h("form", { class: "look" },
    h("p", {}, h("label", { for: "map" }, "Map"), maps),
    h("p", {}, h("label", { for: "key" }, "Key"), key),
    h("button", { type: "submit" }, "Look up"),
    button("All entries", first));
  look.addEventListener("submit", (event) => {
    event.preventDefault();
    if (key.value.trim() === "") return first();
    shown = "With this key: ";
    return read(path(`key=${encodeURIComponent(key.value)}`), (answer) => show(answer, "No entry has this key."));
  });
  const help = h("p", { id: "key-help", class: "help" },
    "A key is JSON, such as ", h("code", {}, "7"), ", ", h("code", {}, '"text"'), " or ",
    h("code", {}, '{"a":1}'), ". Anything else is a text.");

  read(api(name, "maps"), ({ maps: names }) => {
    maps.replaceChildren(...names.map((map) => h("option", { value: map }, map)));
    if (names.length === 0) return "The connector has no maps yet.";
    first();
    return "Reading …";
  });
  return frame(name, `Entries of ${name}`, look, help, status, table, h("p", { class: "actions" }, onward));
}

function letter({ topic, partition, offset, timestamp, headers, cut }, index) {
  const textOf = (value) => (value === null ? "null" : value.text);
  const reason = headers.find((header) => header.name === "__connect.errors.exception.message");
  const time = timestamp === null ? "" : new Date(timestamp).toISOString();
  const head = h("summary", {}, h("strong", {}, `${topic}-${partition}, offset ${offset} `), h("span", {}, time),
    reason ? h("span", { class: "reason" }, textOf(reason.value)) : "");
  const rows = headers.map(({ name, value }) =>
    h("div", {}, h("dt", {}, breakable(name)), h("dd", {}, textOf(value), (value && note(value)) ?? "")));
  return h("li", {}, h("details", { open: index === 0 }, head,
    headers.length ? h("dl", { class: "settings" }, rows) : h("p", {}, "It has no headers."),
    cut ? h("p", { class: "note" }, "Further headers are left out.") : ""));
}

/** The last dead letters of a connector. */
export function lettersView({ name }) {
  const status = h("p", { role: "status" });
  const read = reader(status);
  const list = h("ul", { class: "tasks letters", "aria-label": "Dead letters, the newest first" });
  const look = () => read(api(name, "dead-letters"), ({ topic, dead_letters: letters }) => {
    list.replaceChildren(...letters.map(letter));
    return letters.length ? `The last ${letters.length} of topic ${topic}` : `Topic ${topic} has no dead letters.`;
  });
  look();
  const again = h("button", { type: "button", onclick: look }, "Read again");
  return frame(name, `Dead letters of ${name}`, h("p", { class: "actions" }, again), status, list);
}
