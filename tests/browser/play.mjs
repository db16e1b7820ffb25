// The page of `swarmbed node play` in headless Chromium, with a libtorrent seed of a known rate.
// Arguments: swarmbed, lt_peer.py, a scratch folder, a folder for screenshots.
import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { chromium } from "playwright-core";

const [swarmbed, ltPeer, scratch, shots] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows"],
});
const children = [];
let passed = 0;
let swarms = 0;

async function test(name, body) {
  const began = Date.now();
  await body();
  passed += 1;
  console.log(`ok ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
}

const sleep = (millis) => new Promise((done) => setTimeout(done, millis));

async function until(what, true_, millis = 20000) {
  const end = Date.now() + millis;
  for (;;) {
    const value = await true_();
    if (value) return value;
    assert.ok(Date.now() < end, `not within ${millis} ms: ${what}`);
    await sleep(50);
  }
}

const listens = (port) => new Promise((done) => {
  const socket = connect(port, "127.0.0.1", () => { socket.destroy(); done(true); });
  socket.on("error", () => done(false));
});

function start(...command) {
  const child = spawn(command[0], command.slice(1), { stdio: ["ignore", "ignore", "pipe"] });
  child.said = "";
  child.stderr.on("data", (data) => { child.said += data; });
  children.push(child);
  return child;
}

/** H.264 and AAC of about 1 Mbit/s, its index in front; or the same as MPEG-TS. */
function media(name, seconds) {
  mkdirSync(`${scratch}/content`, { recursive: true });
  const path = `${scratch}/content/${name}`;
  if (existsSync(path)) return path;
  const container = name.endsWith(".ts") ? ["-f", "mpegts"] : ["-movflags", "+faststart"];
  const made = spawnSync("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", `testsrc2=size=426x240:rate=25:duration=${seconds}`,
    "-f", "lavfi", "-i", `sine=frequency=440:duration=${seconds}`, "-c:v", "libx264", "-preset", "ultrafast", "-g", "25",
    "-pix_fmt", "yuv420p", "-b:v", "900k", "-minrate", "900k", "-maxrate", "900k", "-bufsize", "450k",
    "-x264-params", "nal-hrd=cbr", "-c:a", "aac", "-b:a", "96k", ...container, path]);
  assert.equal(made.status, 0, String(made.stderr));
  return path;
}

/** A seed of `times` the bitrate, and a node that plays from it; the page is open, and nothing is pressed. */
async function swarm(name, seconds, times, viewport = { width: 1200, height: 900 }) {
  const content = media(name, seconds);
  const number = swarms++;
  const [seedPort, port, http] = [21000 + number, 22000 + number, 23000 + number];
  const torrent = `${scratch}/${number}.torrent`;
  const made = spawnSync(swarmbed, ["node", "create", content, "--out", torrent, "--force", "--duration", String(seconds),
    "--piece-length", "32 KiB"]);
  assert.equal(made.status, 0, String(made.stderr));
  const rate = Math.round(times * statSync(content).size / seconds);
  start("python3", ltPeer, "--torrent", torrent, "--save", `${scratch}/content`, "--listen", `127.0.0.1:${seedPort}`,
    "--seed", "--up", String(rate), "--timeout", "300");
  await until("the seed listens", () => listens(seedPort));
  const metrics = `${scratch}/${number}.jsonl`;
  const node = start(swarmbed, "node", "play", torrent, "--listen", "127.0.0.1", "--port", String(port), "--peer",
    `127.0.0.1:${seedPort}`, "--dir", `${scratch}/copy${number}`, "--http", `127.0.0.1:${http}`, "--metrics", metrics);
  await until("the page is served", () => node.said.includes("media at"));
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  const errors = [];
  const asked = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") errors.push(message.text()); });
  page.on("request", (request) => { if (!request.url().startsWith(`http://127.0.0.1:${http}/`) && !/^(data|blob):/.test(request.url())) asked.push(request.url()); });
  await page.goto(`http://127.0.0.1:${http}/`);
  // What the element itself says, beside what the page makes of it.
  await page.evaluate(() => {
    const video = document.getElementById("video");
    window.seen = [];
    for (const name of ["playing", "waiting", "seeking", "seeked", "ended", "pause"]) {
      video.addEventListener(name, () => window.seen.push([name, performance.now()]));
    }
  });
  const text = (id) => page.textContent(`#${id}`);
  const time = () => page.evaluate(() => document.getElementById("video").currentTime);
  return {
    page, errors, asked, text, time, node,
    seen: () => page.evaluate(() => window.seen),
    events: () => readFileSync(metrics, "utf8").split("\n").filter((line) => line).map((line) => JSON.parse(line)),
    close: async () => { await context.close(); node.kill("SIGTERM"); },
  };
}

/** Space on the focused video, as a keyboard user starts it. */
async function press(page) {
  await page.focus("#video");
  await page.keyboard.press("Space");
}

/** Stalls of the element: it waited after it had begun, and nobody had jumped. */
function waits(seen) {
  let [began, since, seeking, stood, count] = [false, null, false, 0, 0];
  for (const [name, at] of seen) {
    if (name === "seeking") seeking = true;
    if (name === "waiting" && began && !seeking) { since = at; count += 1; }
    if (name === "playing") {
      if (since !== null) stood += at - since;
      [began, since, seeking] = [true, null, false];
    }
  }
  return { count, stood };
}

/** A stream of ffmpeg's, broadcast and watched: a minute of it, on a desktop, then on a phone. */
async function live() {
  const folder = `${scratch}/live`;
  const pictures = "ffmpeg -v error -re -f lavfi -i testsrc2=size=320x180:rate=25 -re -f lavfi -i sine=frequency=440 "
    + "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 25 -b:v 700k -maxrate 700k -bufsize 350k -c:a aac "
    + "-b:a 96k -f mpegts -";
  const picture = `${scratch}/tv.jpg`;
  const made = spawnSync("ffmpeg", ["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=160x90", "-frames:v", "1", picture]);
  assert.equal(made.status, 0, String(made.stderr));
  const source = start(swarmbed, "node", "broadcast", "--name", "tv", "--destdir", folder, "--bitrate", "900 kbit/s", "--thumb", picture,
    "--listen", "127.0.0.1", "--port", "24000", "--tracker-listen", "127.0.0.1:24001", "--source", `pipe:${pictures}`);
  await until("it is on air", () => source.said.includes("peer port"));
  const node = start(swarmbed, "node", "play", `${folder}/tv.tstream`, "--listen", "127.0.0.1", "--port", "24002", "--dir",
    `${scratch}/live-copy`, "--http", "127.0.0.1:24003");
  await until("the page is served", () => node.said.includes("media at"));
  const page = await (await browser.newContext({ viewport: { width: 1200, height: 900 } })).newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto("http://127.0.0.1:24003/");
  const time = () => page.evaluate(() => document.getElementById("video").currentTime);
  await until("its picture is shown", () => page.evaluate(async () => {
    const { poster } = document.getElementById("video");
    if (!poster) return false;
    const image = new Image();
    image.src = poster;
    await image.decode();
    return image.naturalWidth === 160;
  }));
  await until("the script is here", () => page.evaluate(() => window.mpegts !== undefined));
  await press(page);
  await until("it plays", async () => (await time()) > 1, 60000);
  const state = () => page.evaluate(() => {
    const video = document.getElementById("video");
    const ranges = [...Array(video.buffered.length).keys()].map((index) => [video.buffered.start(index), video.buffered.end(index)]);
    return JSON.stringify({ at: video.currentTime, ranges, paused: video.paused, ready: video.readyState, why: document.getElementById("why").textContent });
  });
  const [began, at] = [Date.now(), await time()];
  // The picture moves on, second by second, for a minute.
  let [before, moved, stood] = [at, began, 0];
  while (Date.now() < began + 60000) {
    await sleep(500);
    const now = await time();
    if (now > before) moved = Date.now();
    stood = Math.max(stood, Date.now() - moved);
    assert.ok(stood < 5000, `${await state()} ${(await page.locator("#log li").allTextContents()).join("; ")} ${node.said.slice(-400)}`);
    before = now;
  }
  const shown = before - at;
  const took = (Date.now() - began) / 1000;
  console.log(`    live: ${shown.toFixed(1)} s of it in ${took.toFixed(1)} s; stalls: ${await page.textContent("#stalls")}`);
  // Of a machine that has other things to do: it hardly ever stands.
  assert.ok(shown > took * 5 / 6, await state());
  assert.deepEqual(errors, []);
  await page.screenshot({ path: `${shots}/live.png`, fullPage: true });
  await page.setViewportSize({ width: 390, height: 844 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `the page is ${wide} pixels too wide for a phone`);
  await page.screenshot({ path: `${shots}/live-phone.png`, fullPage: true });
  await page.context().close();
  source.kill("SIGKILL");
  node.kill("SIGTERM");
}

try {
  await test("a seed of 1.5 times the bitrate: from a cold start to the end without a stall", async () => {
    const lab = await swarm("film.mp4", 20, 1.5);
    await until("it is known", async () => (await lab.text("name")) === "film.mp4");
    await press(lab.page);
    await until("it plays", async () => (await lab.time()) > 3);
    assert.equal(await lab.text("why"), "Plays.");
    assert.match(await lab.text("neighbours"), /127\.0\.0\.1:21000/);
    assert.match(await lab.text("phases"), /first bytes: [\d.]+ s .*first piece checked: [\d.]+ s .*picture: [\d.]+ s/);
    await lab.page.screenshot({ path: `${shots}/play.png`, fullPage: true });
    await until("the end", () => lab.page.evaluate(() => document.getElementById("video").ended), 40000);
    const log = await lab.page.locator("#log li").allTextContents();
    assert.equal(await lab.text("stalls"), "0", `${log.join("; ")} ${JSON.stringify(await lab.seen())}`);
    assert.equal(await lab.text("why"), "The end.");
    assert.deepEqual(waits(await lab.seen()), { count: 0, stood: 0 });
    const events = lab.events();
    assert.equal(events.filter((event) => event.event === "Stalled").length, 0);
    // The engine's playhead is the element's: it starts with it, and when it does.
    assert.equal(events.filter((event) => event.event === "PlayheadReported").length, 1);
    assert.equal(events.filter((event) => event.event === "Started").length, 1);
    // The file is written four times a second.
    const seen = () => lab.events().filter((event) => event.event === "Video").map((event) => event.what);
    await until("the file says what the element said", () => seen().includes("playing") && seen().includes("ended"));
    assert.deepEqual([lab.errors, lab.asked], [[], []]);
    await lab.close();
  });

  // Beside the others, for it takes a minute and hardly any work; but not beside the one in which a tenth of a second without a
  // picture is a stall. What it throws is thrown when it is waited for.
  const watched = live().then(() => null, (error) => error);
  await test("a jump to 80 % plays within 3 s", async () => {
    const lab = await swarm("long.mp4", 120, 1.5);
    await until("it is known", async () => (await lab.text("name")) === "long.mp4");
    await press(lab.page);
    await until("it plays", async () => (await lab.time()) > 2);
    const took = await lab.page.evaluate(() => new Promise((done) => {
      const video = document.getElementById("video");
      const began = performance.now();
      const target = video.duration * 0.8;
      video.addEventListener("timeupdate", function look() {
        if (video.currentTime > target + 0.1 && !video.seeking) {
          video.removeEventListener("timeupdate", look);
          done(performance.now() - began);
        }
      });
      video.currentTime = target;
    }));
    console.log(`    ${(took / 1000).toFixed(2)} s`);
    assert.ok(took < 3000, `${took} ms`);
    assert.equal(await lab.text("stalls"), "0");
    await until("the page tells of it", async () => (await lab.text("log")).includes("plays from"));
    await until("the node knows of it", () => lab.events().some((event) => event.event === "SeekStarted"));
    await lab.close();
  });

  await test("a seed of 0.6 times the bitrate: the stall is counted, measured and explained", async () => {
    const lab = await swarm("slow.mp4", 40, 0.6, { width: 390, height: 844 });
    await until("it is known", async () => (await lab.text("name")) === "slow.mp4");
    await press(lab.page);
    await until("it stands still", async () => (await lab.text("why")).startsWith("The picture stands still: "), 40000);
    const said = await lab.text("why");
    assert.match(said, /silent, or slower than the media plays|asked for too late|do not let us ask/);
    const wide = await lab.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `the page is ${wide} pixels too wide for a phone`);
    await lab.page.screenshot({ path: `${shots}/stall-phone.png`, fullPage: true });
    // It stops as soon as it goes on: no other stall is under way when they are counted.
    await lab.page.evaluate(() => {
      const video = document.getElementById("video");
      video.addEventListener("playing", () => video.pause(), { once: true });
    });
    await until("it goes on", async () => (await lab.text("log")).includes("it stood still for"), 40000);
    await until("it stops", () => lab.page.evaluate(() => document.getElementById("video").paused));
    await sleep(600);
    const { count, stood } = waits(await lab.seen());
    assert.ok(count > 0);
    assert.equal(await lab.text("stalls"), String(count));
    const shown = Number((await lab.text("stood")).split(" ")[0]) * 1000;
    assert.ok(Math.abs(shown - stood) < 150, `${shown} ms are shown, ${stood} ms it stood`);
    // The metrics file has the same times, of the same element.
    await until("the file says so", () => lab.events().some((one) => one.what === "pause"));
    let [since, filed, begun] = [null, 0, false];
    for (const event of lab.events().filter((one) => one.event === "Video")) {
      if (event.what === "waiting" && begun) since = event.at_ns;
      if (event.what === "playing") {
        if (since !== null) filed += (event.at_ns - since) / 1e6;
        [since, begun] = [null, true];
      }
    }
    assert.ok(Math.abs(filed - stood) < 300, `${filed} ms in the file, ${stood} ms it stood`);
    // And so do the engine's own events, with the causes.
    const resumed = lab.events().filter((one) => one.event === "Resumed");
    const told = resumed.reduce((sum, one) => sum + one.millis, 0);
    assert.equal(resumed.length, count);
    assert.ok(Math.abs(told - stood) < 300, `${told} ms in events, ${stood} ms it stood`);
    for (const one of resumed) {
      assert.equal(Object.values(one.causes_ms).reduce((sum, millis) => sum + millis, 0), one.millis, JSON.stringify(one));
    }
    await lab.close();
  });

  await test("MPEG-TS plays through mpegts.js", async () => {
    const lab = await swarm("film.ts", 20, 2);
    await until("it is known", async () => (await lab.text("name")) === "film.ts");
    await until("the script is here", () => lab.page.evaluate(() => window.mpegts !== undefined));
    await press(lab.page);
    await until("it plays", async () => (await lab.time()) > 3);
    assert.equal(await lab.text("stalls"), "0");
    assert.deepEqual([lab.errors, lab.asked], [[], []]);
    await lab.close();
  });

  await test("it is named, and may be steered by no other page", async () => {
    const lab = await swarm("film.mp4", 20, 2);
    const roles = await lab.page.evaluate(() => ({
      status: document.getElementById("why").getAttribute("aria-live"),
      map: document.getElementById("map").getAttribute("role"),
      headings: document.querySelectorAll("main h2").length,
      columns: document.querySelectorAll("th[scope=col]").length,
      language: document.documentElement.lang,
    }));
    assert.deepEqual(roles, { status: "polite", map: "img", headings: 4, columns: 7, language: "en" });
    // The skip link is the first stop of the keyboard.
    await lab.page.keyboard.press("Tab");
    assert.equal(await lab.page.evaluate(() => document.activeElement.className), "skip");
    const base = new URL(lab.page.url());
    const post = (query, headers) => fetch(`${base.origin}/player?${query}`, { method: "POST", headers });
    assert.equal((await post("what=pause&time=1&length=2", { origin: "http://elsewhere.example" })).status, 403);
    assert.equal((await post("what=pause&time=1&length=2", {})).status, 200);
    for (const bad of ["what=x&time=1&length=2", "what=pause&time=nan&length=2", "what=pause&time=-1&length=2", ""]) {
      assert.equal((await post(bad, {})).status, 400, bad);
    }
    assert.equal((await fetch(`${base.origin}/`, { headers: { accept: "*/*" } })).headers.get("content-type"), "text/plain; charset=utf-8");
    await lab.close();
  });
  await test("a live stream plays for a minute", async () => {
    const error = await watched;
    if (error) throw error;
  });
  console.log(`${passed} passed`);
} finally {
  await browser.close();
  for (const child of children) child.kill("SIGKILL");
}
