"""Programs that serve a torrent's media over HTTP while it comes, and viewers that measure them."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

PORT = 8080


class Server:
    """A program in a home; where its media are, once it says so."""

    def __init__(self, homes, home, command, folder, path, env=None):
        self.homes, self.home = homes, home
        self.began = time.monotonic()
        self.said, self.path = folder / "said", path
        self.child = subprocess.Popen(homes.command(home, *command), cwd=folder, stdin=subprocess.DEVNULL, stdout=self.said.open("wb"),
                                      stderr=subprocess.STDOUT, env={**os.environ, "HOME": str(folder), **(env or {})})

    def media(self):
        """The path of the media, if that is known by now."""
        return self.path if isinstance(self.path, str) else self.path(self.said.read_text(errors="replace"))

    def since_start(self):
        return time.monotonic() - self.began

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


class Players:
    """`start(kind, …)` for each kind that is installed; `missing` says what is not, and why."""

    def __init__(self, swarmbed, npm):
        self.swarmbed, self.npm = swarmbed, pathlib.Path(npm)
        self.webtorrent = self.npm / "webtorrent/node_modules/webtorrent/index.js"
        self.peerflix = self.npm / "peerflix/node_modules/peerflix/app.js"
        self.missing = {}
        if not shutil.which("rqbit"):
            self.missing["rqbit"] = "not installed: `cargo install rqbit --locked`"
        for kind, path in [("peerflix", self.peerflix), ("webtorrent", self.webtorrent)]:
            if not path.exists() or not shutil.which("node"):
                self.missing[kind] = "not installed: tests/picture/run.sh installs it where npm is"
        self.kinds = [kind for kind in ["swarmbed", "rqbit", "peerflix", "webtorrent"] if kind not in self.missing]

    def start(self, kind, homes, home, torrent, folder):
        """In this home, from nothing."""
        addr = homes.addr(home)
        (folder / "copy").mkdir(exist_ok=True)
        if kind == "swarmbed":
            command = [self.swarmbed, "node", "play", torrent, "--listen", addr, "--dir", folder / "copy",
                       "--http", f"{addr}:{PORT}", "--metrics", folder / "metrics.jsonl"]
            return Server(homes, home, command, folder, "/stream")
        if kind == "rqbit":
            command = ["rqbit", "--disable-dht", "--disable-lsd", "--disable-upnp-port-forward",
                       "--http-api-listen-addr", f"{addr}:{PORT}", "download", "-o", folder / "copy", torrent]
            return Server(homes, home, command, folder, "/torrents/0/stream/0")
        if kind == "peerflix":
            command = ["node", self.peerflix, torrent, "-p", PORT, "-h", addr, "-f", folder / "copy", "-q"]
            return Server(homes, home, command, folder, "/")
        command = ["node", pathlib.Path(__file__).parent / "../interop/webtorrent/peer.mjs", "leech", torrent,
                   folder / "copy", f"{addr}:6881", "--http", f"{addr}:{PORT}"]
        return Server(homes, home, command, folder, told_path, {"WEBTORRENT": str(self.webtorrent)})


def told_path(said):
    """Where WebTorrent's wrapper says that the media are."""
    for line in said.splitlines():
        if '"http"' in line:
            return json.loads(line)["path"]
    return None


class Reader:
    """One request for the media from a byte on."""

    def __init__(self, server, start=0, patience=60.0):
        addr = server.homes.addr(server.home)
        until = time.monotonic() + patience
        while True:
            path = server.media()
            if path:
                self.connection = http.client.HTTPConnection(addr, PORT, timeout=patience)
                try:
                    self.connection.sock = server.homes.connect(server.home, (addr, PORT), patience)
                    self.connection.request("GET", path, headers={"Range": f"bytes={start}-"})
                    self.answer = self.connection.getresponse()
                    if self.answer.status in (200, 206):
                        break
                except (OSError, http.client.HTTPException):
                    pass
                self.connection.close()
            if time.monotonic() > until or server.child.poll() is not None:
                raise TimeoutError(f"no media: {server.said.read_text(errors='replace')[-500:]}")
            time.sleep(0.01)

    def read(self):
        return self.answer.read1(65536)

    def close(self):
        self.connection.close()


def watch(server, rate, seconds, start_s=2.0):
    """Reads to the end like a player that begins, and goes on after a stall, with `start_s` in hand.
    Start-up, stalls, and seconds stalled; the media play at `rate` bytes/s."""
    reader, size = Reader(server), int(rate * seconds)
    began = server.began
    got, played_until, playing, last = 0, 0.0, False, time.monotonic()
    startup, stalls, stalled, stall_began = None, 0, 0.0, None
    while got < size:
        piece = reader.read()
        now = time.monotonic()
        if playing:
            ran_dry = last + (got / rate - played_until)
            if now > ran_dry:
                playing, stall_began, played_until = False, ran_dry, got / rate
                stalls += 1
            else:
                played_until += now - last
        last = now
        if not piece:
            break
        got += len(piece)
        if not playing and (got / rate - played_until >= start_s or got >= size):
            playing = True
            if startup is None:
                startup = now - began
            else:
                stalled += now - stall_began
    reader.close()
    return {"startup_s": startup, "stalls": stalls, "stalled_s": stalled, "whole": got >= size}
