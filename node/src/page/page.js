// The page of one torrent or stream: plays it, and says why it does not.
// The video element's own events are what counts as playing and standing still; the node says why.
"use strict";

const byId = (id) => document.getElementById(id);
const video = byId("video");

const CAUSES = {
  "player-not-reading": "the player is not reading",
  "verification-failed": "the piece came damaged, and is fetched again",
  "nobody-has-it": "no neighbour has the piece that is missing",
  "all-choke-us": "all neighbours who have the missing piece do not let us ask for now",
  "slow-or-silent": "the neighbour that was asked is silent, or slower than the media plays",
  "asked-too-late": "the piece is under way, but was asked for too late",
};

let status = null;
let began = null; // The first frame has been shown.
let waiting = null; // Since when the picture stands, unasked.
let stalls = 0;
let stood = 0;
let seeking = null;
let causes = {};
// So much media is waited for before the picture moves: a browser by itself starts with nothing in hand.
let holding = null;
const START_S = 2;
const JUMP_S = 1;
// So often the node is told where the picture is.
const AT_MS = 1000;
const opened = performance.now();

const seconds = (millis) => `${(millis / 1000).toFixed(1)} s`;
const kilo = (bytes) => `${Math.round(bytes / 1000)} kB/s`;

function telling(what) {
  const time = Number.isFinite(video.currentTime) ? video.currentTime : 0;
  const length = Number.isFinite(video.duration) ? video.duration : 0;
  return `/player?what=${what}&time=${time.toFixed(3)}&length=${length.toFixed(3)}`;
}

/** Tells the node what the video element does, one thing after the other: its playhead is this one. */
let told = Promise.resolve();
function tell(what) {
  const where = telling(what);
  told = told.then(() => fetch(where, { method: "POST" })).catch(() => {});
  return told;
}

function log(text) {
  const item = document.createElement("li");
  item.textContent = `${seconds(performance.now() - opened)}: ${text}`;
  byId("log").prepend(item);
  while (byId("log").childElementCount > 100) byId("log").lastElementChild.remove();
}

/** What a stall was for: the cause that was seen most often while it lasted. */
function worst() {
  const seen = Object.entries(causes).sort((one, other) => other[1] - one[1]);
  return seen.length > 0 ? CAUSES[seen[0][0]] : "the picture was not decoded yet";
}

function moves() {
  const now = performance.now();
  if (began === null) {
    began = now;
    log("the picture moves");
  } else if (waiting !== null) {
    if (seeking !== null) log(`plays from ${seconds(video.currentTime * 1000)} after ${seconds(now - seeking)}`);
    else {
      stood += now - waiting;
      log(`it stood still for ${seconds(now - waiting)}: ${worst()}`);
    }
  } else if (seeking !== null) log(`plays from ${seconds(video.currentTime * 1000)} after ${seconds(now - seeking)}`);
  waiting = seeking = null;
  tell("playing");
  show();
}

function stands() {
  if (waiting !== null || video.ended || holding !== null) return;
  waiting = performance.now();
  causes = {};
  // Before the first frame, and after a jump, it is expected to wait.
  if (began !== null && seeking === null) stalls += 1;
  tell("waiting");
  show();
}

/** Of a stream, what the node has is not on its way to us faster than it plays. */
const isEnough = (atLeast) => (status.live ? aheadOf() >= atLeast : status.complete || inHand() >= atLeast);

/** Stops at once, until enough is in hand. */
function hold(atLeast) {
  if (status === null || isEnough(atLeast)) return;
  holding = atLeast;
  video.pause();
  show();
}

function release() {
  if (holding === null || !isEnough(holding)) return;
  holding = null;
  video.play().catch((error) => log(`the browser does not play: ${error.message}`));
}

video.addEventListener("playing", () => { if (holding === null) moves(); });
video.addEventListener("waiting", stands);
video.addEventListener("seeking", () => {
  if (began === null) return;
  seeking = performance.now();
  tell("seeking");
  if (!video.paused) hold(JUMP_S);
});
video.addEventListener("pause", () => { if (!video.ended && holding === null) tell("pause"); });
video.addEventListener("play", () => {
  // Who presses twice does not want to wait.
  if (holding !== null) holding = null;
  else if (began === null) hold(START_S);
  tell("play");
});
video.addEventListener("progress", () => { if (status !== null) release(); });
video.addEventListener("ended", () => { waiting = null; log("the end"); tell("ended"); show(); });
// Some browsers read ahead before anybody presses play: nobody watches yet.
video.addEventListener("loadedmetadata", () => { if (video.paused && holding === null) tell("pause"); });
let toldAt = 0;
video.addEventListener("timeupdate", () => {
  drawMap();
  const now = performance.now();
  const moving = began !== null && waiting === null && seeking === null && holding === null && !video.paused;
  if (!moving || now - toldAt < AT_MS) return;
  toldAt = now;
  tell("at");
});
// Nobody watches any more.
window.addEventListener("pagehide", () => navigator.sendBeacon(telling("pause")));
video.addEventListener("error", () => log(`the browser cannot play it: ${video.error ? video.error.message : "unknown"}`));

function aheadOf() {
  for (let index = 0; index < video.buffered.length; index += 1) {
    if (video.buffered.start(index) <= video.currentTime + 0.1 && video.currentTime < video.buffered.end(index)) {
      return video.buffered.end(index) - video.currentTime;
    }
  }
  return 0;
}

/** Media that is here from the playhead on, in the browser or with the node. */
function inHand() {
  const here = status.rate && status.wanted ? status.wanted.ahead / status.rate : 0;
  return aheadOf() + here;
}

function explain() {
  if (status === null) return "The node does not answer.";
  const cause = status.wanted && status.wanted.cause ? CAUSES[status.wanted.cause] : null;
  if (cause && waiting !== null) causes[status.wanted.cause] = (causes[status.wanted.cause] || 0) + 1;
  if (video.ended) return "The end.";
  if (holding !== null) {
    const what = began === null ? "Starting" : "Jumping";
    return `${what}: ${(status.live ? aheadOf() : inHand()).toFixed(1)} of ${holding} s are in hand${cause ? `; ${cause}` : ""}.`;
  }
  if (waiting !== null && began !== null && seeking === null) {
    return `The picture stands still: ${cause || "what it needs is here, and on its way to the picture"}.`;
  }
  if (seeking !== null) return `Jumping: ${cause || "what it needs is on its way to the picture"}.`;
  if (began === null) {
    if (status.neighbours.length === 0) return status.tracker_error ? `Looking for peers: ${status.tracker_error}` : "Looking for peers.";
    return video.paused && !cause ? "Press play." : `Starting: ${cause || "what it needs is here"}.`;
  }
  if (status.complete) return "Plays; all of it is here.";
  if (status.rate && status.down > 0 && status.down < status.rate * 0.95 && !status.live) {
    const left = (status.size - status.have_bytes) / status.down - (status.size / status.rate - video.currentTime);
    if (left > 1) return `Plays, but comes slower than it plays: it will stand still for some ${Math.round(left)} s in all, unless it gets faster. Pausing now would let it get ahead.`;
  }
  return video.paused ? "Paused; it goes on coming." : "Plays.";
}

function show() {
  const said = explain();
  const why = byId("why");
  // Only what changed is read out.
  if (why.textContent !== said) why.textContent = said;
  why.classList.toggle("stalled", waiting !== null && began !== null && seeking === null);
  byId("stalls").textContent = String(stalls);
  const now = waiting !== null && began !== null && seeking === null ? performance.now() - waiting : 0;
  byId("stood").textContent = seconds(stood + now);
  if (status === null) return;
  byId("ahead").textContent = seconds(inHand() * 1000);
  byId("needs").textContent = status.rate ? kilo(status.rate) : "unknown";
  byId("gets").textContent = kilo(status.down);
  drawMap();
}

function drawMap() {
  if (status === null) return;
  const canvas = byId("map");
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  pen.clearRect(0, 0, width, height);
  const each = width / status.map.length;
  [...status.map].forEach((digit, index) => {
    if (digit === "0") return;
    pen.fillStyle = `rgba(0, 114, 178, ${0.15 + 0.85 * Number(digit) / 9})`;
    pen.fillRect(index * each, 0, Math.max(1, each), height);
  });
  const share = status.live ? null : video.duration > 0 ? video.currentTime / video.duration : 0;
  let said = `${status.have} of ${status.pieces} pieces are here.`;
  if (share !== null) {
    pen.fillStyle = "#a33b00";
    pen.fillRect(Math.min(width - 3, share * width), 0, 3, height);
    said += ` Playback is at ${Math.round(share * 100)} %.`;
  }
  if (byId("map-said").textContent !== said) byId("map-said").textContent = said;
}

function cell(row, text, head = false) {
  const node = document.createElement(head ? "th" : "td");
  if (head) node.scope = "row";
  node.textContent = text;
  row.append(node);
}

function drawNeighbours() {
  byId("crowd").textContent = `${status.neighbours.length} now; ${kilo(status.down)} from them, ${kilo(status.up)} to them`;
  const rows = status.neighbours.map((one) => {
    const row = document.createElement("tr");
    cell(row, one.addr, true);
    cell(row, String(Math.round(one.down / 1000)));
    cell(row, String(Math.round(one.up / 1000)));
    cell(row, `${Math.floor(100 * one.pieces / Math.max(1, status.pieces))} %`);
    cell(row, one.they_choke ? "no (chokes us)" : "yes");
    cell(row, one.we_choke ? "no (we choke it)" : "yes");
    cell(row, String(one.outstanding));
    return row;
  });
  byId("neighbours").replaceChildren(...rows);
}

function drawPhases() {
  const phases = [["first neighbour", status.phases.neighbour], ["first let us ask", status.phases.unchoked],
    ["first bytes", status.phases.bytes], ["first piece checked", status.phases.piece]];
  const items = phases.map(([name, at]) => {
    const item = document.createElement("li");
    item.textContent = at === null ? `${name}: not yet` : `${name}: ${seconds(at)} after the node started`;
    return item;
  });
  const item = document.createElement("li");
  item.textContent = began === null ? "picture: not yet" : `picture: ${seconds(began - opened)} after this page opened`;
  byId("phases").replaceChildren(...items, item);
}

function listen() {
  const events = new EventSource("/events");
  events.onmessage = (message) => {
    const first = status === null;
    status = JSON.parse(message.data);
    if (first) begin();
    release();
    show();
    drawNeighbours();
    drawPhases();
  };
  // It tries again by itself.
  events.onerror = () => { byId("why").textContent = "The node does not answer."; };
}

/** MP4 and WebM are played by the browser; MPEG-TS through mpegts.js. */
function begin() {
  document.title = byId("name").textContent = status.name;
  if (status.thumbnail) video.poster = "/thumbnail.jpg";
  if (status.mime !== "video/mp2t") {
    // A browser reads ahead before anybody presses play.
    tell("pause").then(() => { video.src = "/stream"; });
    return;
  }
  const script = document.createElement("script");
  script.src = "/mpegts.js";
  script.onload = () => {
    if (!window.mpegts.getFeatureList().mseLivePlayback) {
      log("this browser cannot play MPEG-TS: open /stream in a player such as mpv or VLC");
      return;
    }
    window.mpegts.LoggingControl.enableAll = false;
    const player = window.mpegts.createPlayer({ type: "mpegts", isLive: status.live, url: new URL("/stream", location.href).href },
      { lazyLoad: !status.live, liveBufferLatencyChasing: false, autoCleanupSourceBuffer: true });
    player.on(window.mpegts.Events.ERROR, (kind, detail) => log(`the media cannot be played: ${kind}, ${detail}`));
    player.attachMediaElement(video);
    player.load();
  };
  document.body.append(script);
}

listen();
