// What the scripts that go through the page have in common: a headless Chromium, and what holds for every view.
//
// The arguments of a script are CHROMIUM WORKER FOLDER. Pictures go to the folder.

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [executablePath, worker, folder] = process.argv.slice(2);
const WIDE = { width: 1200, height: 900 };
const NARROW = { width: 320, height: 700 };

let page;
/** What the browser complained about; none may be left at the end of a step. */
const faults = [];

const button = (name) => page.getByRole("button", { name, exact: true });
const picture = (name) => page.screenshot({ path: join(folder, `${name}.png`) });
const open = async (hash) => {
  await page.goto(`${worker}/ui${hash}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
};
const seen = (text) => page.getByText(text, { exact: true }).first().waitFor();

/** Presses Tab until an element has the focus: it can be reached, and the focus is visible there. */
async function tabTo(locator) {
  for (let pressed = 0; pressed < 150; pressed++) {
    await page.keyboard.press("Tab");
    if (await locator.evaluate((element) => element === document.activeElement)) {
      const outline = await locator.evaluate((element) => getComputedStyle(element).outlineStyle);
      assert.notEqual(outline, "none", "the focus is visible");
      return;
    }
  }
  assert.fail(`Tab does not reach ${locator}`);
}

/** Looks for what keeps a reader from using the view: axe's rules, and scrolling sideways. */
async function usable(name) {
  // The policy of the page allows no script of others; the browser's own tools stand above it.
  await page.evaluate(axe);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const size of [WIDE, NARROW]) {
      await page.setViewportSize(size);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      const places = (nodes) => nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("; ");
      const found = violations.map(({ id, nodes }) => `${id}: ${places(nodes)}`);
      assert.deepEqual(found, [], `${name}, ${colorScheme}, ${size.width} px`);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= size.width, `${name}: ${width} px in ${size.width} px`);
      await picture(`${name}-${colorScheme}-${size.width}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await page.setViewportSize(WIDE);
}

/** Goes through the steps, one after the other; ends with 1 at the first fault. `begin` gets the page. */
async function run(steps, begin) {
  // Chromium's own sandbox needs rights that a container does not have; the page is our own.
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const context = await browser.newContext({ viewport: WIDE, reducedMotion: "reduce" });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  begin(page);
  page.on("console", (text) => text.type() === "error" && faults.push(`${text.text()} ${text.location().url}`));
  page.on("pageerror", (error) => faults.push(error.message));
  const isOwn = (url) => url.startsWith(worker) || url.startsWith("blob:");
  page.on("request", (request) => isOwn(request.url()) || faults.push(`asks ${request.url()}`));
  try {
    for (const [name, step] of Object.entries(steps)) {
      await step();
      assert.deepEqual(faults, [], name);
      console.log(`ok: ${name}`);
    }
  } catch (error) {
    await picture("fault").catch(() => {});
    console.error(error, faults);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

module.exports = { assert, axe, button, faults, open, picture, run, seen, tabTo, usable, worker };
