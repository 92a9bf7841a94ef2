// Goes through the data that the page shows where the operator allows it.
//
// The worker has the connectors `pof-orders` and `json-orders`: their map `Orders` has the keys `order-0` to `order-119`,
// and in POF the value of `order-7` is long. `pof-orders` has one dead letter, `json-orders` has no topic for them.

const { assert, button, faults, open, run, seen, tabTo, usable } = require("./harness.js");

let page;

const rows = () => page.locator("table.entries tbody tr");
const status = (text) => page.getByRole("status").filter({ hasText: text }).first().waitFor();

/** Reads all pages: the keys, as they are shown. */
async function keys() {
  const found = [];
  for (;;) {
    found.push(...(await page.locator("table.entries tbody th code").allTextContents()));
    if ((await button("Next page").getAttribute("aria-disabled")) === "true") return found;
    const first = await rows().first().textContent();
    await button("Next page").click();
    await page.waitForFunction((before) => {
      const now = document.querySelector("table.entries tbody tr")?.textContent;
      return now !== before && !document.body.textContent.includes("Reading …");
    }, first);
  }
}

const expected = [...Array(120).keys()].map((number) => `"order-${number}"`).sort();

const steps = {
  async "a connector leads to the entries of its map, page by page"() {
    await open("#/connectors/pof-orders");
    await page.getByRole("link", { name: "Entries" }).click();
    await page.getByRole("heading", { level: 1, name: "Entries of pof-orders" }).waitFor();
    await status("50 entries, more on the next page");
    assert.equal(await rows().count(), 50);
    await usable("entries");
    assert.deepEqual((await keys()).sort(), expected);
  },
  async "one key is looked up with the keyboard alone, and a key that is absent is not found"() {
    await tabTo(page.getByLabel("Key", { exact: true }));
    await page.keyboard.type("order-3");
    await page.keyboard.press("Enter");
    await status("With this key: 1 entry");
    assert.equal(await page.locator("table.entries tbody th").textContent(), '"order-3"');
    await page.getByLabel("Key", { exact: true }).fill('"order-4"');
    await button("Look up").click();
    await page.locator("table.entries tbody th", { hasText: "order-4" }).waitFor();
    await page.getByLabel("Key", { exact: true }).fill("order-120");
    await button("Look up").click();
    await seen("No entry has this key.");
    assert.equal(await page.getByRole("table").count(), 0);
    await button("All entries").click();
    await status("50 entries");
  },
  async "a long value is shown by its beginning, and as a whole on request"() {
    await page.getByLabel("Key", { exact: true }).fill("order-7");
    await button("Look up").click();
    const more = button('Show more of the value of "order-7"');
    await more.waitFor();
    assert.ok((await page.locator("table.entries td").textContent()).length < 500);
    await more.press("Enter");
    const whole = page.getByRole("region", { name: 'Value of "order-7"' });
    await whole.waitFor();
    assert.equal((await whole.textContent()).length, 20_002);
    assert.ok(await whole.evaluate((element) => element === document.activeElement));
    await usable("long-value");
  },
  async "the entries of a map in JSON are shown as JSON"() {
    await open("#/connectors/json-orders/entries");
    await status("50 entries");
    assert.deepEqual((await keys()).sort(), expected);
    await page.getByLabel("Key", { exact: true }).fill("order-5");
    await button("Look up").click();
    await status("With this key: 1 entry");
    await page.locator("table.entries td code", { hasText: '{"number":5,"open":true}' }).waitFor();
  },
  async "dead letters are shown with their headers"() {
    await open("#/connectors/json-orders");
    await page.getByRole("link", { name: "Entries" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Dead letters" }).count(), 0);
    await open("#/connectors/pof-orders");
    await page.getByRole("link", { name: "Dead letters" }).click();
    await page.getByRole("heading", { level: 1, name: "Dead letters of pof-orders" }).waitFor();
    await status("The last 1 of topic");
    await seen("__connect.errors.stage");
    await seen("VALUE_CONVERTER");
    await usable("dead-letters");
    await button("Read again").click();
    await status("The last 1 of topic");
  },
  async "what a worker refuses is shown in its words"() {
    await open("#/connectors/json-orders/dead-letters");
    const refused = "Connector json-orders has no topic of dead letters: set errors.deadletterqueue.topic.name";
    await page.getByRole("status").filter({ hasText: refused }).waitFor();
    // The browser reports the status of the answer.
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes("404")));
  },
};

run(steps, (opened) => (page = opened));
