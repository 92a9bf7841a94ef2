// Which view is shown, and the state that it shows: asked for every two seconds while the page is visible.

import { data, metricsText, request } from "./api.js";
import { entriesView, lettersView } from "./browse.js";
import { detailView } from "./detail.js";
import { h, message, setText } from "./dom.js";
import { formView } from "./form.js";
import { History } from "./history.js";
import { listView } from "./list.js";
import { parse } from "./metrics.js";

const PAUSE = 2000;

const main = document.getElementById("main");
const connection = document.getElementById("connection");
const changes = document.getElementById("changes");
const history = new History();
let state = null;
let view = null;
let draft = null;
// Whether the operator allows to look at data.
let browses = false;

/** Opens the form for a new connector with these settings. */
function create(config) {
  draft = config;
  if (location.hash === "#/create") show();
  else location.hash = "#/create";
}

function viewOf(hash) {
  const [, first, name, last] = hash.split("/");
  if (first === "create") {
    const config = draft;
    draft = null;
    return formView({ config: config ?? {}, refresh });
  }
  try {
    if (first === "connectors" && last === "edit") return formView({ edit: decodeURIComponent(name), refresh });
    if (first === "connectors" && last === "entries") return entriesView({ name: decodeURIComponent(name) });
    if (first === "connectors" && last === "dead-letters") return lettersView({ name: decodeURIComponent(name) });
    if (first === "connectors") return detailView({ name: decodeURIComponent(name), refresh });
  } catch {
    // An address that is damaged leads to the list.
  }
  return listView({ create });
}

function show() {
  const isFirst = view === null;
  view = viewOf(location.hash);
  main.replaceChildren(view.element);
  document.title = view.title;
  if (state) view.update(state);
  if (isFirst) return;
  message("");
  // A reader of the screen is led to the new view, as a new page would do it.
  main.querySelector("h1")?.focus();
  scrollTo(0, 0);
}

function states(connectors) {
  const all = new Map();
  for (const [name, { status }] of Object.entries(connectors)) {
    all.set(name, status.connector.state);
    for (const task of status.tasks) all.set(`${name}, task ${task.id}`, task.state);
  }
  return all;
}

function announce(before, now) {
  const changed = [...now].filter(([name, is]) => before.get(name) !== is).map(([name, is]) => `${name}: ${is}`);
  const gone = [...before.keys()].filter((name) => !now.has(name)).map((name) => `${name}: removed`);
  const texts = [...changed, ...gone];
  if (texts.length > 0) setText(changes, texts.length > 5 ? `${texts.length} states changed` : texts.join("; "));
}

/** Asks the worker, and shows its answer. */
async function refresh() {
  try {
    const [connectors, metrics] = await Promise.all([
      request("GET", "connectors?expand=status&expand=info"),
      metricsText().then(parse),
    ]);
    const time = Date.now();
    history.add(time, metrics);
    if (state) announce(states(state.connectors), states(connectors));
    state = { connectors, metrics, history, time, browses };
    connection.classList.remove("error");
    setText(connection, "");
    await view.update(state);
  } catch (error) {
    connection.classList.add("error");
    setText(connection, `The worker does not answer (${error.message}); the page tries again`);
  }
}

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, PAUSE);
}

async function describeWorker() {
  const { version, kafka_cluster_id: cluster } = await request("GET", "./");
  const parts = [h("span", {}, `Version ${version}`), cluster ? h("span", {}, `Cluster ${cluster}`) : null];
  document.getElementById("worker").replaceChildren(...parts.filter(Boolean));
}

addEventListener("hashchange", show);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
show();
poll();
describeWorker().catch(() => {});
request("GET", data()).then(({ browse }) => {
  browses = browse;
  return refresh();
}).catch(() => {});
