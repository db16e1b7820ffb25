"""What all interop tests need: scratch folders, processes that always end, content, HTTP."""

import hashlib
import http.client
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SWARMBED = os.environ["SWARMBED"]
HERE = pathlib.Path(__file__).parent
# Tests that run beside each other begin at different ones.
ADDRESSES = itertools.count(int(os.environ.get("SWARMBED_TEST_ADDRESS", "0")))


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def wait_until(what, true, seconds=20.0):
    """Until `true()` is; its value. Fails with `what` after `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = true()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


class Process:
    """A child whose output is kept, and that ends with its test."""

    def __init__(self, name, command, folder, stdin=subprocess.DEVNULL, env=None):
        self.name = name
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        self.child = subprocess.Popen(
            [str(word) for word in command], stdin=stdin, env={**os.environ, **env} if env else None,
            stdout=self.out.open("wb"), stderr=self.err.open("wb"))

    def running(self):
        return self.child.poll() is None

    def stderr(self):
        return self.err.read_text(errors="replace")

    def wait(self, seconds=60):
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} runs after {seconds} s:\n{self.stderr()[-2000:]}")

    def stop(self, seconds=15):
        """Asks it to stop; its exit code."""
        if self.running():
            self.child.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def json(self):
        """The one object on its standard output."""
        text = self.out.read_text()
        try:
            return json.loads(text)
        except ValueError:
            raise AssertionError(f"{self.name} printed {text!r}, not one object; stderr:\n{self.stderr()}")

    def kill(self):
        if self.running():
            self.child.kill()
            self.child.wait()


class Lab(unittest.TestCase):
    """A test with a folder and processes of its own; every client has an address of its own."""

    # The first half of every address.
    NET = "127.0"

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="swarmbed-interop-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.processes = []
        self.addCleanup(lambda: [process.kill() for process in self.processes])

    def ip(self):
        """An address that no other client has."""
        high, low = divmod(next(ADDRESSES), 250)
        return f"{self.NET}.{high}.{low + 2}"

    def start(self, name, *command, stdin=subprocess.DEVNULL, env=None):
        process = Process(name, command, self.folder, stdin, env)
        self.processes.append(process)
        return process

    def node(self, name, *arguments, stdin=subprocess.DEVNULL):
        return self.start(name, SWARMBED, "node", *arguments, stdin=stdin)

    def run_node(self, *arguments, seconds=60):
        """To its end; the process and its exit code."""
        process = self.node(f"node{len(self.processes)}", *arguments)
        return process, process.wait(seconds)

    def tracker(self):
        """Our tracker; its announce URL."""
        addr = f"{self.ip()}:6969"
        process = self.node("tracker", "tracker", "--listen", addr)
        wait_until("the tracker listens", lambda: "tracker at" in process.stderr())
        return f"http://{addr}/announce"

    def libtorrent(self, name, torrent, save, *arguments):
        """A libtorrent peer; its address."""
        addr = f"{self.ip()}:6881"
        self.start(name, sys.executable, HERE / "lt_peer.py", "--torrent", torrent, "--save", save,
                   "--listen", addr, *arguments)
        return addr

    def process(self, name):
        return next(process for process in self.processes if process.name == name)

    def seed_ready(self, addr):
        """Until somebody listens at `addr`."""
        import socket

        def listens():
            ip, port = addr.rsplit(":", 1)
            with socket.socket() as probe:
                probe.settimeout(1)
                return probe.connect_ex((ip, int(port))) == 0
        wait_until(f"{addr} listens", listens)

    def noise(self, size, name="content.bin"):
        """A file of noise in a folder of its own; its path."""
        path = self.folder / "content" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(random.Random(size).randbytes(size))
        return path

    def create(self, source, *arguments):
        """The torrent that `node create` makes."""
        out = self.folder / f"{source.name}.torrent"
        process, code = self.run_node("create", source, "--out", out, "--json", *arguments)
        self.assertEqual(code, 0, process.stderr())
        self.assertEqual(process.json()["torrent"], str(out))
        return out

    def events(self, path):
        """What a node wrote to --metrics so far."""
        lines = path.read_text().splitlines() if path.exists() else []
        events = []
        for line in lines:
            try:
                events.append(json.loads(line))
            except ValueError:
                pass  # the line is being written
        return events


def get(addr, path, headers=None, method="GET", seconds=30):
    """Status, headers, body."""
    connection = http.client.HTTPConnection(addr, timeout=seconds)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True)


def media(path, seconds, *arguments):
    """Test pictures and a tone of about 1 Mbit/s."""
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=25:duration={seconds}",
           "-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}",
           "-c:v", "mpeg4" if path.suffix == ".mp4" else "mpeg2video", "-b:v", "900k",
           "-minrate", "900k", "-maxrate", "900k", "-bufsize", "900k",
           "-c:a", "aac" if path.suffix == ".mp4" else "mp2", "-b:a", "96k", *arguments, path)
    return path
