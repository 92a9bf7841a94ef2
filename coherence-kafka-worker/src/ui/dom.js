// Elements. A text becomes a text node and nothing else: names, values and traces are untrusted.

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** An element of HTML, with its attributes, its listeners (`onclick`, …) and its children. */
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** An element of SVG. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

/** Changes a text only where it differs: a live region announces each change. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Keeps one child for each item, in the order of the items. An element that stays keeps its focus.
 * `create` returns an element; its property `update`, if it has one, is called with the item each time.
 */
export function keyed(parent, items, keyOf, create) {
  const keys = new Set(items.map((item) => String(keyOf(item))));
  const old = new Map();
  for (const child of [...parent.children]) {
    if (keys.has(child.dataset.key)) old.set(child.dataset.key, child);
    else child.remove();
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    const child = old.get(key) ?? create(item);
    child.dataset.key = key;
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
    child.update?.(item);
  }
}

/** A name that may break behind its dots. */
export function breakable(name) {
  return name.split(/(?<=[.])/).flatMap((part) => [part, h("wbr")]);
}

/** A text with inline code between backticks. */
export function prose(text) {
  const plain = text.replace(/<\/?code>/g, "`");
  return plain.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/** The state of a connector or a task: its name, and a shape for each group of states. */
export function badge(state) {
  const element = h("span", { class: "badge" });
  element.update = (now) => {
    setText(element, now);
    element.dataset.state = now;
  };
  element.update(state);
  return element;
}

const DIGITS = [2, 1, 0].map((maximumFractionDigits) => new Intl.NumberFormat("en", { maximumFractionDigits }));
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** A number for a reader; a dash where it is unknown. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 1e7) return COMPACT.format(value);
  return DIGITS[value < 10 ? 0 : value < 100 ? 1 : 2].format(value);
}

/** Saves a connector's configuration as the body of a create request. */
export function download(name, config) {
  const text = `${JSON.stringify({ name, config }, null, 2)}\n`;
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  h("a", { href: address, download: `${name || "connector"}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(address));
}

/** A button that reads a configuration from a JSON file: a create request, or a flat object. */
export function importButton(take) {
  const accept = ".json,application/json";
  const input = h("input", { type: "file", accept, class: "hidden", tabindex: "-1", "aria-hidden": "true" });
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    const text = await file.text();
    input.value = "";
    try {
      const body = JSON.parse(text);
      const config = body.config ?? body;
      const isObject = typeof config === "object" && config !== null && !Array.isArray(config);
      if (!isObject) throw new Error("expected an object of settings");
      const settings = Object.entries(config).filter(([, value]) => value !== null);
      const textOf = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));
      const strings = settings.map(([key, value]) => [key, textOf(value)]);
      const name = typeof body.name === "string" ? { name: body.name } : {};
      take({ ...Object.fromEntries(strings), ...name });
    } catch (error) {
      message(`${file.name} is not a configuration in JSON: ${error.message}`, true);
    }
  });
  return [h("button", { type: "button", onclick: () => input.click() }, "Import JSON"), input];
}

/** Shows the outcome of an action, until the next one or until the reader closes it. */
export function message(text, isError = false) {
  const region = document.getElementById("message");
  region.replaceChildren();
  region.classList.toggle("error", isError);
  if (!text) return;
  const close = h("button", { type: "button", "aria-label": "Close this message", onclick: () => message("") }, "×");
  region.append(h("span", {}, text), close);
}

/** Shows the outcome of an action that leads to another view, in that view. */
export function messageInNextView(text) {
  addEventListener("hashchange", () => setTimeout(() => message(text)), { once: true });
}
