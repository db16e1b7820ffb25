// Opens a report from disk in headless Chromium, with every request to a network refused and
// counted, and uses it as a person does. Arguments: report.html, a folder for screenshots.
import { strict as assert } from "node:assert";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [file, shots] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
let passed = 0;
async function test(name, body) {
  await body();
  passed += 1;
  console.log(`ok ${name}`);
}

try {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, offline: true });
  const page = await context.newPage();
  const asked = [];
  const errors = [];
  page.on("request", (request) => { if (!request.url().startsWith("file:") && !request.url().startsWith("data:")) asked.push(request.url()); });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") errors.push(message.text()); });
  await page.goto(pathToFileURL(file).href);
  const data = JSON.parse(await page.textContent("#data"));
  const shoot = (name) => page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });

  await test("it shows everything without a network", async () => {
    assert.equal(await page.textContent("#question"), data.question);
    assert.equal(await page.locator("#results tbody tr").first().locator("th").textContent(), data.variants[0].name);
    for (const section of ["compare", "viewer", "time", "spread"]) {
      assert.ok(await page.locator(`#${section} svg path, #${section} svg circle`).count() > 0, `${section} has a figure`);
    }
    assert.ok((await page.textContent("#setup pre")).includes("[content]"), "the set-up is spelled out");
    await shoot("whole");
  });

  await test("a policy is toggled in all figures", async () => {
    const legends = () => page.locator("#time .legend, #spread .legend").allTextContents();
    const name = data.variants[0].name;
    assert.ok((await legends()).every((text) => text.includes(name)));
    const before = await page.locator("#budget tbody tr").count();
    const button = page.locator("#toggles button").first();
    await button.focus();
    await page.keyboard.press("Enter");
    assert.equal(await button.getAttribute("aria-pressed"), "false");
    assert.ok((await legends()).every((text) => !text.includes(name)));
    assert.equal(await page.locator("#budget tbody tr").count(), before - 1);
    await button.click();
    assert.ok((await legends()).every((text) => text.includes(name)));
  });

  await test("a figure tells its values to pointer and keyboard, and zooms", async () => {
    const figure = page.locator("#time figure").first();
    const plot = figure.locator("svg");
    const said = figure.locator(".readout");
    const box = await plot.boundingBox();
    await plot.hover({ position: { x: box.width / 2, y: 100 } });
    const pointed = await said.textContent();
    assert.match(pointed, /time, s: \d/);
    await plot.focus();
    await page.keyboard.press("ArrowRight");
    assert.notEqual(await said.textContent(), pointed);
    const marks = () => plot.locator("text").allTextContents();
    const whole = await marks();
    await page.keyboard.press("+");
    assert.notDeepEqual(await marks(), whole);
    await page.keyboard.press("0");
    assert.deepEqual(await marks(), whole);
  });

  await test("a chosen viewer's timeline tells why it stalled", async () => {
    const place = data.viewers.findIndex((viewer) => viewer.stalls.length > 0);
    assert.ok(place >= 0, "somebody stalled");
    await page.selectOption("#pick", String(place));
    const viewer = data.viewers[place];
    assert.ok((await page.textContent("#viewer-facts")).includes(`Peer ${viewer.peer} `));
    const [at, piece, millis, causes] = viewer.stalls[0];
    assert.equal(causes.reduce((sum, one) => sum + one, 0), millis, "causes sum to the stall");
    const row = page.locator("#stalls tbody tr").first();
    const told = await row.textContent();
    assert.ok(told.includes(`${(at / 1000).toFixed(1)} s`), told);
    const words = { "nobody-has-it": "no neighbour had the piece", "all-choke-us": "all neighbours who had it choked", "slow-or-silent": "slow or silent", "asked-too-late": "too late" };
    causes.forEach((one, index) => { if (one > 0) assert.ok(told.includes(words[data.causes[index]]), told); });
    await row.locator("button").click();
    const read = await page.textContent("#story-readout");
    assert.ok(read.startsWith(`piece ${piece}:`), read);
    assert.match(read, /known .* asked for .* here .* due .* late, played .* When due: /);
    await page.locator("#viewer").screenshot({ path: `${shots}/stall.png` });
  });

  await test("it is usable at the width of a phone", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.waitForTimeout(300);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `the page is ${wide} pixels too wide`);
    await shoot("phone");
  });

  await test("nothing was asked of a network, and nothing went wrong", async () => {
    assert.deepEqual(asked, []);
    assert.deepEqual(errors, []);
  });
  console.log(`${passed} passed`);
} finally {
  await browser.close();
}
