// The REST API of Kafka Connect. Addresses are relative, so that the page works below the path of a reverse proxy.

/** Sends a request; returns the JSON of the answer, or null. Throws the worker's own text where it refuses. */
export async function request(method, path, body) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await send(method, path, headers, body === undefined ? undefined : JSON.stringify(body));
  const text = await response.text();
  let json = null;
  try {
    json = text ? JSON.parse(text) : null;
  } catch {
    // A proxy in front of the worker answers in other forms.
  }
  if (!response.ok) throw new Error(json?.message ?? `HTTP ${response.status} ${response.statusText}`);
  return json;
}

/** `GET /metrics`. */
export async function metricsText() {
  const response = await send("GET", "metrics", {});
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.text();
}

// The worker answers within 90 seconds.
const send = (method, path, headers, body) =>
  fetch(path, { method, headers, body, cache: "no-store", signal: AbortSignal.timeout(95000) });

/** The path of a connector. */
export const connector = (name) => `connectors/${encodeURIComponent(name)}`;

/** The address of a view of a connector in this page. */
export const view = (name, last = "") => `#/connectors/${encodeURIComponent(name)}${last}`;

/** The path of a connector class. */
export const plugin = (name) => `connector-plugins/${encodeURIComponent(name)}/config`;

/** The path of the routes that show data, which are not Connect's. */
export const data = (last = "") => `ui/api${last}`;

/** Whether a value must not be shown: by its definition, or by its name where it has none. */
export function isSecret(key, definition) {
  if (definition?.type) return definition.type === "PASSWORD";
  return /password|secret|jaas|credential|token|keystore\.key/i.test(key);
}
