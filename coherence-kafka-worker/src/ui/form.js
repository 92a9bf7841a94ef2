// The configuration of a connector: created or changed, with the result of its validation at each setting.

import { connector as pathOf, isSecret, plugin, request, view } from "./api.js";
import { breakable, download, h, importButton, keyed, message, messageInNextView, prose, setText } from "./dom.js";

const WAIT = 300;
const CLASS = "connector.class";
const NUMBERS = ["INT", "LONG", "SHORT", "DOUBLE"];

/** The field of one setting: label, input, help, errors. `change` is called with the new value, or with undefined. */
function field(definition, { value, change, readonly = false, options = null }) {
  const { name } = definition;
  const id = `setting-${name}`;
  const help = h("p", { class: "help", id: `${id}-help` });
  const errors = h("ul", { class: "errors", id: `${id}-errors` });
  const list = h("datalist", { id: `${id}-list` });
  const fallback = definition.default_value;
  const hasDefault = fallback !== null && fallback !== undefined && fallback !== "";
  const attributes = {
    id,
    name,
    "aria-describedby": `${id}-help ${id}-errors`,
    "aria-required": String(Boolean(definition.required)),
  };
  const isSelect = options || definition.type === "BOOLEAN";
  const secret = isSecret(name, definition);
  const input = isSelect
    ? h("select", attributes)
    : h("input", {
      ...attributes,
      type: secret ? "password" : "text",
      autocomplete: secret ? "new-password" : "off",
      spellcheck: "false",
      autocapitalize: "none",
      inputmode: NUMBERS.includes(definition.type) && !String(value ?? "").includes("$") ? "numeric" : null,
      readonly,
      placeholder: hasDefault && !secret ? fallback : null,
    });
  if (isSelect) {
    const choices = options ?? ["true", "false"];
    const known = value === undefined || choices.includes(value) ? choices : [value, ...choices];
    const unset = hasDefault ? `default (${fallback})` : "not set";
    if (!definition.required) input.append(h("option", { value: "" }, unset));
    input.append(...known.map((choice) => h("option", { value: choice }, choice)));
  }
  // An input has one line: a value of several is kept as it is until it is replaced.
  input.value = value ?? "";
  input.addEventListener("input", () => change(input.value === "" ? undefined : input.value));
  help.append(...prose(definition.documentation ?? ""));
  if (hasDefault && !isSelect) help.append(" Default: ", h("code", {}, fallback));
  const required = definition.required ? h("span", { class: "required" }, "required") : null;
  const element = h("div", { class: "field" }, h("label", { for: id }, breakable(name)), required, input, errors, help);
  element.definition = definition;
  element.input = input;
  element.validate = (result, isShown) => {
    const found = isShown ? result?.value.errors ?? [] : [];
    if (found.length) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    keyed(errors, found, (text) => text, (text) => h("li", {}, text));
    const recommended = result?.value.recommended_values ?? [];
    if (recommended.length && !isSelect && !readonly && !secret) {
      keyed(list, recommended, (text) => text, (text) => h("option", { value: text }));
      input.setAttribute("list", list.id);
      if (!list.isConnected) element.append(list);
    }
    return found.length;
  };
  return element;
}

const ORDER = ["HIGH", "MEDIUM", "LOW"];
const isImportant = ([, definitions]) => definitions.some(({ importance }) => importance === "HIGH");

/** Settings by group: the required ones, then the groups with important settings, these first; then the others. */
function grouped(definitions) {
  const required = definitions.filter((definition) => definition.required);
  const groups = new Map();
  for (const definition of definitions.filter((one) => !one.required)) {
    const group = definition.group ?? "Others";
    groups.set(group, [...(groups.get(group) ?? []), definition]);
  }
  for (const of of groups.values()) of.sort((a, b) => ORDER.indexOf(a.importance) - ORDER.indexOf(b.importance));
  const sorted = [...groups].sort((a, b) => isImportant(b) - isImportant(a));
  return [["Required", required], ...sorted];
}

/** The form. `edit` is the name of a connector that exists; otherwise `config` holds the first values. */
export function formView({ edit, config = {}, refresh }) {
  const isNew = edit === undefined;
  const title = isNew ? "Create connector" : `Edit ${edit}`;
  const groups = h("div", { class: "groups" });
  const summary = h("p", { role: "status", class: "summary" });
  const general = h("ul", { class: "errors" });
  const others = h("div");
  const touched = new Set();
  let [fields, wasSent, isSending, run, timer] = [[], false, false, 0, 0];

  function change(key, value) {
    if (value === undefined) delete config[key];
    else config[key] = value;
    touched.add(key);
    clearTimeout(timer);
    timer = setTimeout(validate, WAIT);
  }

  async function validate() {
    const mine = ++run;
    let results;
    try {
      results = await request("PUT", `${plugin(config[CLASS] ?? "")}/validate`, config);
    } catch (error) {
      results = { configs: [], error_count: 1, refusal: error.message };
    }
    // A newer request has the newer values.
    if (mine !== run) return null;
    const byName = new Map(results.configs.map((result) => [result.value.name, result]));
    let shown = 0;
    for (const element of fields) {
      const { name } = element.definition;
      shown += element.validate(byName.get(name), wasSent || touched.has(name) || Boolean(config[name]));
      byName.delete(name);
    }
    for (const group of groups.children) group.count?.();
    const rest = [...byName.values()].flatMap(({ value }) => value.errors.map((text) => `${value.name}: ${text}`));
    const texts = results.refusal ? [results.refusal] : rest;
    shown += rest.length;
    keyed(general, texts, (text) => text, (text) => h("li", {}, text));
    const faulty = results.configs.filter(({ value }) => value.errors.length).length;
    const settings = faulty === 1 ? "1 setting has" : `${faulty} settings have`;
    if (results.refusal) setText(summary, "The worker refuses the configuration");
    else if (results.error_count === 0) setText(summary, "The configuration is valid");
    else setText(summary, shown ? `${settings} errors` : "The configuration is not complete");
    summary.classList.toggle("error", shown > 0 || results.refusal !== undefined);
    return results;
  }

  async function submit(event) {
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    await send();
    isSending = false;
  }

  async function send() {
    clearTimeout(timer);
    wasSent = true;
    const results = await validate();
    if (results?.error_count) {
      const invalid = groups.querySelector("[aria-invalid]") ?? others.querySelector("[aria-invalid]");
      const closed = invalid?.closest("details");
      if (closed) closed.open = true;
      invalid?.focus();
      return;
    }
    const name = isNew ? config.name : edit;
    try {
      if (isNew) await request("POST", "connectors", { name, config });
      else await request("PUT", `${pathOf(name)}/config`, config);
      await refresh();
      location.hash = view(name);
      messageInNextView(`${name}: ${isNew ? "created" : "changed"}`);
    } catch (error) {
      message(error.message, true);
    }
  }

  function group([name, definitions], options) {
    const elements = definitions.map((definition) =>
      field(definition, {
        value: config[definition.name],
        change: (value) => (definition.name === CLASS ? changeClass(value) : change(definition.name, value)),
        readonly: definition.name === "name" && !isNew,
        options: definition.name === CLASS ? options : null,
      }));
    fields.push(...elements);
    if (name === "Required") return h("fieldset", {}, h("legend", {}, name), elements);
    const isSet = definitions.some(({ name: key }) => config[key] !== undefined);
    const count = h("span", { class: "count" });
    const element = h("details", { open: isImportant([name, definitions]) || isSet }, h("summary", {}, name, " ", count), elements);
    element.count = () => {
      const set = definitions.filter(({ name: key }) => config[key] !== undefined).length;
      const errors = element.querySelectorAll("[aria-invalid]").length;
      const parts = [set ? `${set} set` : `${definitions.length} settings`, errors ? `${errors} with errors` : ""];
      setText(count, parts.filter(Boolean).join(", "));
      count.classList.toggle("error", errors > 0);
    };
    return element;
  }

  /** A setting that the connector does not define, such as one of a converter or of a client. */
  function other(key) {
    const remove = h("button", { type: "button", "aria-label": `Remove ${key}` }, "Remove");
    const element = field({ name: key }, { value: config[key], change: (value) => change(key, value ?? "") });
    element.dataset.key = key;
    remove.addEventListener("click", () => {
      fields = fields.filter((one) => one !== element);
      element.remove();
      change(key, undefined);
      newKey.focus();
    });
    element.append(remove);
    fields.push(element);
    others.append(element);
    return element;
  }

  const asTyped = { autocomplete: "off", spellcheck: "false", autocapitalize: "none" };
  const newKey = h("input", { id: "new-key", type: "text", ...asTyped });
  function add() {
    const key = newKey.value.trim();
    if (!key) return newKey.focus();
    newKey.value = "";
    const known = fields.find(({ definition }) => definition.name === key);
    if (!known) change(key, "");
    const element = known ?? other(key);
    const closed = element.closest("details");
    if (closed) closed.open = true;
    element.input.focus();
  }
  newKey.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  });

  async function changeClass(value) {
    change(CLASS, value);
    await build();
    document.getElementById(`setting-${CLASS}`)?.focus();
  }

  async function build() {
    const plugins = await request("GET", "connector-plugins");
    const classes = plugins.map(({ class: name }) => name);
    config[CLASS] ??= classes[0] ?? "";
    const definitions = await request("GET", plugin(config[CLASS]));
    fields = [];
    groups.replaceChildren(...grouped(definitions).map((of) => group(of, classes)));
    const defined = new Set(definitions.map(({ name }) => name));
    others.replaceChildren();
    Object.keys(config).filter((key) => !defined.has(key)).forEach(other);
    await validate();
  }

  async function load() {
    try {
      if (!isNew) config = await request("GET", `${pathOf(edit)}/config`);
      await build();
    } catch (error) {
      message(error.message, true);
    }
  }

  function take(imported) {
    config = isNew ? imported : { ...imported, name: edit };
    wasSent = true;
    build().catch((error) => message(error.message, true));
  }

  const back = isNew ? "#/" : view(edit);
  const element = h("div", {},
    h("nav", { "aria-label": "Path" },
      h("a", { href: "#/" }, "Connectors"), isNew ? null : [" / ", h("a", { href: back }, edit)]),
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, title),
      h("div", { class: "actions" }, importButton(take),
        h("button", { type: "button", onclick: () => download(config.name, config) }, "Export JSON"))),
    h("form", { novalidate: true, autocomplete: "off", onsubmit: submit },
      groups,
      h("fieldset", { class: "others" }, h("legend", {}, "Other settings"),
        h("p", { class: "help" }, prose("Settings of converters and Kafka clients, such as `value.converter.schemas.enable`.")),
        others,
        h("div", { class: "add" }, h("label", { for: "new-key" }, "Name of the setting"), newKey,
          h("button", { type: "button", onclick: add }, "Add setting"))),
      general,
      h("div", { class: "submit" }, summary,
        h("a", { class: "button", href: back }, "Cancel"),
        h("button", { class: "primary" }, isNew ? "Create" : "Save"))));
  load();
  return { title: `${title} – Connectors`, element, update: () => {} };
}
