// One connector: its state and actions, its charts, its tasks with their traces, its counts and its configuration.

import { connector as pathOf, isSecret, plugin, request, view } from "./api.js";
import { chart } from "./charts.js";
import { confirm } from "./dialog.js";
import { badge, breakable, download, h, keyed, message, messageInNextView, number, setText } from "./dom.js";
import { CHARTS } from "./history.js";
import { sums } from "./metrics.js";

/** Counts since the start, by the names of their metrics. One that the worker does not have is left out. */
const COUNTS = [
  ["Records put", "coherence_kafka_sink_records_put_total"],
  ["Records removed", "coherence_kafka_sink_records_removed_total"],
  ["Records acknowledged", "coherence_kafka_source_acknowledged_total"],
  ["Errors", "kafka_connect_task_error_total_record_errors"],
  ["Records skipped", "kafka_connect_task_error_total_records_skipped"],
  ["Dead letters", "coherence_kafka_sink_dead_letters_total"],
  ["Dead letters refused", "kafka_connect_task_error_deadletterqueue_produce_failures"],
  ["Null keys discarded", "coherence_kafka_sink_null_keys_total"],
  ["Entries refused", "coherence_kafka_source_refused_total"],
  ["Write retries", "coherence_kafka_sink_write_retries_total"],
  ["Commit failures", "coherence_kafka_sink_commit_failures_total"],
  ["Gaps", "coherence_kafka_source_gaps_total"],
];

const CAUSES = {
  grid: "holds its batch: the grid does not confirm it",
  dead_letter_queue: "holds its batch: the dead letter queue does not acknowledge a record",
  converter: "holds: a service of its converters, such as a schema registry, is unavailable",
  earlier_attempt: "holds its batch: an unanswered earlier write may still be applied",
};

function holding(metrics, name, task) {
  const samples = metrics.get("coherence_kafka_sink_holding") ?? [];
  const isOwn = ({ labels }) => labels.connector === name && labels.task === String(task);
  const held = samples.find((sample) => sample.value === 1 && isOwn(sample));
  return held ? (CAUSES[held.labels.cause] ?? `holds its batch: ${held.labels.cause}`) : "";
}

/** Returns the lag of each partition, in the order of their names: an order by lag would change all the time. */
function lags(metrics, name) {
  const samples = metrics.get("coherence_kafka_sink_partition_records_lag") ?? [];
  const own = samples.filter(({ labels }) => labels.connector === name);
  const lags = own.map(({ labels, value }) => [`${labels.topic}-${labels.partition}`, value]);
  return lags.sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
}

/** Numbers with what they count. */
function figures(list, items) {
  keyed(list, items, ([label]) => label, ([label]) => {
    const value = h("dd");
    const element = h("div", {}, value, h("dt", {}, label));
    element.update = ([, now]) => setText(value, number(now));
    return element;
  });
}

/** The reason of a failure; it is made at once where it exists, and goes with it. */
function trace(label) {
  const text = h("pre", { tabindex: "0", role: "region", "aria-label": label });
  const element = h("details", { open: true, hidden: true, class: "trace" }, h("summary", {}, "Trace"), text);
  element.update = (now) => {
    element.hidden = !now;
    setText(text, now ?? "");
  };
  return element;
}

function taskItem(name, act) {
  return ({ id }) => {
    const [state, note, reason] = [badge(""), h("p", { class: "note" }), trace(`Trace of task ${id}`)];
    const restart = h("button", { type: "button", "aria-label": `Restart task ${id}` }, "Restart");
    restart.addEventListener("click", () =>
      act(restart, `task ${id} restarts`, "POST", `${pathOf(name)}/tasks/${id}/restart`));
    const element = h("li", {}, h("div", { class: "task" }, h("h3", {}, `Task ${id}`), state, note, restart), reason);
    element.update = ({ state: now, trace: why, held }) => {
      state.update(now);
      setText(note, held);
      reason.update(why);
    };
    return element;
  };
}

function settings(list, config, definitions) {
  keyed(list, Object.entries(config), ([key]) => key, ([key]) => {
    const value = h("dd");
    const element = h("div", {}, h("dt", {}, breakable(key)), value);
    element.update = ([, now]) => setText(value, isSecret(key, definitions.get(key)) ? "••••••" : now);
    return element;
  });
}

/** The view of a connector. Actions are requests of the REST API; the next poll shows what they have changed. */
export function detailView({ name, refresh }) {
  const path = pathOf(name);
  const [state, type] = [badge(""), h("span")];
  const missing = h("p", { class: "empty", hidden: true }, "The worker has no connector of this name.");
  const reason = trace("Trace of the connector");
  const [tasks, topics, config] = [h("ul", { class: "tasks" }), h("p"), h("dl", { class: "settings" })];
  const [counts, partitions] = [h("dl", { class: "counts" }), h("dl", { class: "counts" })];
  const charts = CHARTS.map((of) => ({ of, element: chart(of) }));
  let [connector, isRunning, definitions] = [null, false, null];

  /** Sends one request at a time, and shows its outcome. The button keeps the focus meanwhile. */
  async function act(button, outcome, ...call) {
    if (isRunning || button.getAttribute("aria-disabled") === "true") return false;
    isRunning = true;
    button.setAttribute("aria-busy", "true");
    try {
      await request(...call);
      message(`${name}: ${outcome}`);
      return true;
    } catch (error) {
      message(`${name}: ${error.message}`, true);
      return false;
    } finally {
      isRunning = false;
      button.removeAttribute("aria-busy");
      await refresh();
    }
  }

  const button = (text, onclick, attributes = {}) => h("button", { type: "button", onclick, ...attributes }, text);
  const pause = button("Pause", () => {
    const resumes = pause.textContent === "Resume";
    act(pause, resumes ? "resumes" : "pauses", "PUT", `${path}/${resumes ? "resume" : "pause"}`);
  });
  const stop = button("Stop", () => act(stop, "stopped", "PUT", `${path}/stop`));
  const restart = button("Restart", () =>
    act(restart, "restarts with all tasks", "POST", `${path}/restart?includeTasks=true`));
  const restartFailed = button("Restart failed tasks", () =>
    act(restartFailed, "failed tasks restart", "POST", `${path}/restart?includeTasks=true&onlyFailed=true`));
  const edit = h("a", { class: "button", href: view(name, "/edit") }, "Edit");
  const entries = h("a", { class: "button", href: view(name, "/entries"), hidden: true }, "Show entries");
  const letters = h("a", { class: "button", href: view(name, "/dead-letters"), hidden: true }, "Show dead letters");
  const save = button("Export JSON", () => download(name, connector.info.config), {
    title: "The file contains the configuration as it is, with passwords that are written in it",
  });
  const remove = button("Delete", async () => {
    const isSink = connector.status.type === "sink";
    const stays = isSink
      ? "The offsets of its consumer group and the entries of its maps stay."
      : "The records of its topics stay.";
    const text = `Its tasks stop, and the worker removes its configuration. ${stays}`;
    if (!(await confirm({ title: `Delete connector ${name}?`, text, action: `Delete ${name}` }))) return;
    if (await act(remove, "deleted", "DELETE", path)) {
      location.hash = "#/";
      messageInNextView(`${name}: deleted`);
    }
  }, { class: "danger" });

  async function define(connectorClass) {
    definitions = new Map();
    try {
      const all = await request("GET", plugin(connectorClass));
      definitions = new Map(all.map((definition) => [definition.name, definition]));
    } catch {
      // Without definitions, the names of settings decide which of them are secret.
    }
  }

  async function update(now) {
    connector = now.connectors[name];
    missing.hidden = connector !== undefined;
    content.hidden = connector === undefined;
    if (!connector) return;
    const { status, info } = connector;
    const is = status.connector.state;
    state.update(is);
    setText(type, `${status.type} on ${status.connector.worker_id}`);
    reason.update(status.connector.trace);
    setText(pause, ["PAUSED", "STOPPED"].includes(is) ? "Resume" : "Pause");
    stop.setAttribute("aria-disabled", String(is === "STOPPED"));
    entries.hidden = !now.browses;
    letters.hidden = !now.browses || !info.config["errors.deadletterqueue.topic.name"];
    restartFailed.hidden = !status.tasks.some((task) => task.state === "FAILED");
    for (const { of, element } of charts) {
      const series = now.history.of(name, of);
      element.hidden = series.length === 0;
      if (series.length) element.update(series);
    }
    noTasks.hidden = status.tasks.length > 0;
    const held = (task) => ({ ...task, held: holding(now.metrics, name, task.id) });
    keyed(tasks, status.tasks.map(held), ({ id }) => id, taskItem(name, act));
    const known = COUNTS.map(([label, metric]) => [label, sums(now.metrics, metric).get(name)]);
    figures(counts, known.filter(([, count]) => count !== undefined));
    const behind = lags(now.metrics, name);
    figures(partitions, behind);
    partitionsSection.hidden = behind.length === 0;
    countsSection.hidden = counts.childElementCount === 0;
    if (!definitions) await define(info.config["connector.class"] ?? "");
    settings(config, info.config, definitions);
    const used = await request("GET", `${path}/topics`).catch(() => null);
    setText(topics, used?.[name]?.topics.join(", ") || "No topics were used yet.");
  }

  const section = (title, ...children) => h("section", { "aria-label": title }, h("h2", {}, title), children);
  const noTasks = h("p", { class: "empty", hidden: true }, "The connector has no tasks while it is stopped.");
  const countsSection = section("Since the start", counts);
  const partitionsSection = section("Lag by partition", partitions);
  const content = h("div", { hidden: true },
    h("div", { class: "actions", role: "group", "aria-label": `Actions for ${name}` },
      pause, stop, restart, restartFailed, entries, letters, edit, save, remove),
    reason,
    h("div", { class: "charts" }, charts.map(({ element }) => element)),
    section("Tasks", noTasks, tasks),
    countsSection,
    partitionsSection,
    section("Topics", topics),
    section("Configuration", config));
  const element = h("div", {},
    h("nav", { "aria-label": "Path" }, h("a", { href: "#/" }, "Connectors")),
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, name), h("p", { class: "states" }, state, type)),
    missing, content);
  return { title: `${name} – Connectors`, element, update };
}
