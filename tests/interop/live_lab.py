"""What the tests of live streams need: sources of test pictures, viewers, readers."""

import collections
import socket
import subprocess
import threading

from lab import Lab, get, wait_until

BITRATE = "900 kbit/s"


class LiveLab(Lab):
    """A test with a stream."""

    def pictures(self, seconds=None):
        """ffmpeg that makes test pictures and a tone in real time, about 900 kbit/s, a key frame a second."""
        until = ["-t", str(seconds)] if seconds else []
        child = subprocess.Popen(
            ["ffmpeg", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25",
             "-re", "-f", "lavfi", "-i", "sine=frequency=440", "-c:v", "libx264", "-preset", "ultrafast",
             "-tune", "zerolatency", "-g", "25", "-b:v", "700k", "-maxrate", "700k", "-bufsize", "350k",
             "-c:a", "mp2", "-b:a", "96k", *until, "-f", "mpegts", "-"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def broadcast(self, process, *arguments, stdin=subprocess.DEVNULL, ip=None, name="tv"):
        """A source; its process, with `.addr` and `.tstream`. Started again, it goes on."""
        self.source_ip = ip or getattr(self, "source_ip", None) or self.ip()
        metrics = self.folder / f"{process}.jsonl"
        source = self.node(process, "broadcast", "--name", name, "--destdir", self.folder / "tv",
                           "--listen", self.source_ip, "--tracker-listen", f"{self.source_ip}:6969",
                           "--metrics", metrics, "--json", "--no-pex", *arguments, stdin=stdin)
        source.metrics = metrics
        source.addr = f"{self.source_ip}:6881"
        source.tstream = self.folder / "tv" / f"{name}.tstream"
        wait_until("the source is on air", lambda: "peer port" in source.stderr() or not source.running())
        self.assertTrue(source.running(), source.stderr())
        return source

    def viewer(self, name, source, *arguments):
        """Watches; with `.addr`, `.http`, `.metrics`."""
        ip = self.ip()
        metrics = self.folder / f"{name}.jsonl"
        viewer = self.node(name, "play", source.tstream, "--listen", ip, "--dir", self.folder / name,
                           "--http", f"{ip}:8080", "--metrics", metrics, "--json", "--no-pex", *arguments)
        viewer.ip, viewer.addr, viewer.http, viewer.metrics = ip, f"{ip}:6881", f"{ip}:8080", metrics
        wait_until(f"{name} listens", lambda: "media at" in viewer.stderr() or not viewer.running())
        self.assertTrue(viewer.running(), viewer.stderr())
        return viewer

    def names(self, process):
        """How often each event happened."""
        return collections.Counter(event["event"] for event in self.events(process.metrics))

    def of(self, process, name):
        return [event for event in self.events(process.metrics) if event["event"] == name]

    def newest(self, process):
        """The newest piece it verified."""
        return max((event["piece"] for event in self.of(process, "PieceVerified")), default=-1)

    def decode(self, viewer, seconds):
        """ffmpeg that plays so much of it, and stops at the first error."""
        name = f"decoder{len(self.processes)}"
        return self.start(name, "ffmpeg", "-v", "warning", "-xerror", "-i", f"http://{viewer.http}/stream",
                          "-t", seconds, "-f", "null", "-")

    def check_decoded(self, decoder, seconds):
        self.assertEqual(decoder.wait(seconds), 0, decoder.stderr())
        self.assertEqual(decoder.stderr(), "", "decoded, but not without a word")


class Reader(threading.Thread):
    """Reads a stream over HTTP for as long as it comes."""

    def __init__(self, http, keep=True, slow=False):
        super().__init__(daemon=True)
        self.data, self.count, self.ended, self.keep, self.slow = bytearray(), 0, False, keep, slow
        ip, port = http.split(":")
        self.sock = socket.socket()
        if slow:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect((ip, int(port)))
        self.sock.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        self.go = threading.Event()
        if not slow:
            self.go.set()
        self.start()

    def run(self):
        head = b""
        try:
            while b"\r\n\r\n" not in head:
                head += self.sock.recv(1)
            while True:
                self.go.wait()
                more = self.sock.recv(65536)
                if not more:
                    break
                self.count += len(more)
                if self.keep:
                    self.data += more
            self.ended = True
        except OSError:
            pass

    def close(self):
        self.go.set()
        self.sock.close()


__all__ = ["BITRATE", "LiveLab", "Reader", "get", "wait_until"]
