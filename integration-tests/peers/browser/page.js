// Goes through the page of a worker as its users do.
//
// The worker has a running connector `orders`, a paused one `customers`, one whose task has failed, `orders-by-number`,
// and one whose name is `MARKUP`.

const { readFileSync } = require("node:fs");
const { assert, axe, button, faults, open, picture, run, seen, tabTo, usable, worker } = require("./harness.js");

const MARKUP = "<img src=x onerror=alert(1)>";
const CONNECTOR = "com.oracle.coherence.kafka.connect.CoherenceSinkConnector";

let page;

const setting = (name) => page.locator(`[id="setting-${name}"]`);
const errorsOf = (name) => page.locator(`[id="setting-${name}-errors"]`);
const state = (name) => page.locator(`.title .badge[data-state="${name}"]`).waitFor();

const steps = {
  async "the list shows connectors with their states"() {
    await open("");
    await page.getByRole("link", { name: "orders", exact: true }).waitFor();
    const row = (name) => page.getByRole("row", { name: new RegExp(`^${name} `) });
    await row("orders RUNNING").waitFor();
    await row("customers PAUSED").waitFor();
    await row("orders-by-number RUNNING sink 1 FAILED").waitFor();
    await seen("Connectors (4)");
  },
  async "a name that is markup is shown as a text"() {
    await page.getByRole("link", { name: MARKUP }).click();
    await page.getByRole("heading", { level: 1, name: MARKUP }).waitFor();
    assert.equal(await page.locator("main img").count(), 0);
  },
  async "a running connector has charts with a text alternative"() {
    await open("#/connectors/orders");
    const chart = page.getByRole("img", { name: /Throughput of the last 5 minutes in records\/s\. read: now \d/ });
    await chart.waitFor();
    assert.match(await chart.getAttribute("aria-label"), /confirmed: now [\d.,]+, least .*greatest/);
    await page.getByRole("img", { name: /^Lag / }).waitFor();
    await seen("Records put");
    await seen("Dead letters");
    // Data is shown only where the operator allows it.
    assert.equal(await page.getByRole("link", { name: "Entries" }).count(), 0);
    await usable("connector");
  },
  async "labels with quotes are read, and quantiles are estimated from what was added to a histogram"() {
    const [labels, sum, median, none] = await page.evaluate(async () => {
      const { parse, sums, buckets, quantile } = await import(new URL("ui/metrics.js", location.href).href);
      const text = (low, high) => [
        "# TYPE h histogram",
        `h_bucket{connector="a",task="0",le="1.0"} ${low} # {trace="}"} 0.5`,
        `h_bucket{connector="a",task="0",le="3.0"} ${high}`,
        `h_bucket{connector="a",task="0",le="+Inf"} ${high}`,
        'c_total{connector="a",task="0",topic="x\\"} y\\\\"} 1.5',
        'c_total{connector="a",task="1"} 2',
      ].join("\n");
      const [before, now] = [parse(text(5, 5)), parse(text(6, 9))];
      const of = (metrics) => buckets(metrics, "h").get("a");
      const quantiles = [quantile(0.5, of(before), of(now)), quantile(0.5, of(now), of(now))];
      return [now.get("c_total")[0].labels.topic, sums(now, "c_total").get("a"), ...quantiles];
    });
    // Four were added: one up to 1, three up to 3; the second of four is a third of the way from 1 to 3.
    assert.deepEqual([labels, sum, none], ['x"} y\\', 3.5, null]);
    assert.ok(Math.abs(median - 5 / 3) < 1e-9, String(median));
  },
  async "a connector is paused, resumed and stopped with the keyboard alone"() {
    await open("#/connectors/orders");
    await state("RUNNING");
    await tabTo(button("Pause"));
    await page.keyboard.press("Enter");
    await state("PAUSED");
    // The same button resumes, and has kept the focus.
    await seen("orders: pauses");
    await page.locator("button:focus", { hasText: "Resume" }).waitFor();
    await page.keyboard.press("Space");
    await state("RUNNING");
    await tabTo(button("Stop"));
    await page.keyboard.press("Enter");
    await state("STOPPED");
    await seen("The connector has no tasks while it is stopped.");
    await button("Resume").press("Enter");
    await state("RUNNING");
    await page.locator("#changes", { hasText: "orders: RUNNING" }).waitFor({ state: "attached" });
  },
  async "a failed task shows its trace, and restarts"() {
    await open("#/connectors/orders-by-number");
    const trace = page.getByRole("region", { name: "Trace of task 0" });
    await trace.waitFor();
    assert.match(await trace.textContent(), /Failed to deserialize long/);
    await usable("failed-task");
    await button("Restart failed tasks").click();
    await seen("orders-by-number: failed tasks restart");
    await button("Restart task 0").click();
    await seen("orders-by-number: task 0 restarts");
  },
  async "a configuration is checked while it is written, and an invalid one creates nothing"() {
    await open("");
    await page.getByRole("link", { name: "Create connector" }).click();
    await setting("name").fill("written");
    assert.equal(await setting("connector.class").inputValue(), CONNECTOR);
    await setting("tasks.max").fill("many");
    await errorsOf("tasks.max").getByText("Not a number of type INT").waitFor();
    assert.equal(await setting("tasks.max").getAttribute("aria-invalid"), "true");
    await usable("form");
    await button("Create").click();
    await errorsOf("topics").getByText("Must configure one of topics or topics.regex").first().waitFor();
    assert.match(page.url(), /#\/create$/);
    const { length } = await (await fetch(`${worker}/connectors`)).json();
    assert.equal(length, 4);
  },
  async "a valid configuration is created with the keyboard alone, a secret out of sight"() {
    await setting("tasks.max").fill("");
    await errorsOf("tasks.max").waitFor({ state: "hidden" });
    await tabTo(setting("topics"));
    await page.keyboard.type("orders");
    await tabTo(page.getByLabel("Name of the setting"));
    await page.keyboard.type("consumer.override.ssl.key.password");
    await page.keyboard.press("Enter");
    await page.locator('[id="setting-consumer.override.ssl.key.password"]:focus').waitFor();
    await page.keyboard.type("secret");
    assert.equal(await page.locator(":focus").getAttribute("type"), "password");
    await button("Remove consumer.override.ssl.key.password").press("Enter");
    await seen("The configuration is valid");
    await tabTo(button("Create"));
    await page.keyboard.press("Enter");
    await seen("written: created");
    await state("RUNNING");
  },
  async "a configuration is changed, and its file can be imported again"() {
    await page.getByRole("link", { name: "Edit" }).click();
    await setting("coherence.cache.mappings").fill("orders->Written");
    const [file] = await Promise.all([page.waitForEvent("download"), button("Export JSON").click()]);
    assert.equal(file.suggestedFilename(), "written.json");
    const exported = JSON.parse(readFileSync(await file.path(), "utf8"));
    assert.equal(exported.name, "written");
    assert.equal(exported.config["coherence.cache.mappings"], "orders->Written");
    await button("Save").click();
    await seen("written: changed");
    const config = await (await fetch(`${worker}/connectors/written/config`)).json();
    assert.deepEqual(config, exported.config);
    await open("#/");
    const buffer = Buffer.from(JSON.stringify({ ...exported, name: "imported" }));
    const imported = { name: "imported.json", mimeType: "application/json", buffer };
    await page.locator('input[type="file"]').setInputFiles(imported);
    await page.getByRole("heading", { name: "Create connector" }).waitFor();
    await page.waitForFunction(() => document.getElementById("setting-name")?.value === "imported");
    assert.equal(await setting("coherence.cache.mappings").inputValue(), "orders->Written");
  },
  async "a connector is deleted after a question that names it, which Escape answers with no"() {
    await open("#/connectors/written");
    await tabTo(button("Delete"));
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "Delete connector written?" }).waitFor();
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run("dialog"));
    assert.deepEqual(violations.map(({ id }) => id), []);
    await picture("delete");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.ok(await button("Delete").evaluate((element) => element === document.activeElement));
    assert.equal((await fetch(`${worker}/connectors/written`)).status, 200);
    await page.keyboard.press("Enter");
    await tabTo(button("Delete written"));
    await page.keyboard.press("Enter");
    await seen("written: deleted");
    await seen("Connectors (4)");
    assert.equal((await fetch(`${worker}/connectors/written`)).status, 404);
    await usable("list");
  },
  async "a worker that does not answer is noticed, and so is its return"() {
    await open("#/connectors/orders");
    await state("RUNNING");
    await page.route("**/connectors?*", (route) => route.abort());
    await page.getByText(/^The worker does not answer/).waitFor();
    await page.unroute("**/connectors?*");
    await page.getByText(/^The worker does not answer/).waitFor({ state: "hidden" });
    // The browser reports the requests that were cut off.
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes("ERR_FAILED")));
  },
};

run(steps, (opened) => (page = opened));
