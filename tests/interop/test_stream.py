"""A player reads over HTTP while the torrent still comes, slowly."""

import json
import subprocess
import time

from lab import Lab, get, media, sha256, wait_until

SECONDS = 60
RATE = 250_000  # bytes/s, twice the media's


def ffprobe(url):
    """The media's duration, as ffprobe reads it."""
    result = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "json", url],
        check=True, capture_output=True, timeout=30)
    return float(json.loads(result.stdout)["format"]["duration"])


class Stream(Lab):
    def play(self, content, *arguments):
        """A node that plays `content` from a slow libtorrent seed; its HTTP address."""
        torrent = self.create(content, "--tracker", self.tracker(), "--piece-length", "64 KiB", *arguments)
        self.seed_ready(self.libtorrent("seed", torrent, content.parent, "--seed", "--up", RATE))
        http = f"{self.ip()}:8080"
        self.output = self.folder / f"copy{content.suffix}"
        self.metrics = self.folder / "metrics.jsonl"
        self.player = self.node("play", "play", torrent, "--listen", self.ip(), "--output", self.output,
                                "--http", http, "--exit-when-complete", "--json", "--metrics", self.metrics)
        wait_until("the player listens", lambda: "media at" in self.player.stderr())
        return http

    def is_downloading(self):
        return self.player.running() and not self.output.exists()

    def media(self, name, *arguments):
        (self.folder / "content").mkdir()
        return media(self.folder / "content" / name, SECONDS, *arguments)

    def check_duration(self, content):
        http = self.play(content, "--duration", SECONDS)
        self.assertAlmostEqual(ffprobe(f"http://{http}/stream"), SECONDS, delta=1)
        self.assertTrue(self.is_downloading(), "ffprobe had to wait for the end")

    def test_mp4_with_its_index_at_the_end(self):
        self.check_duration(self.media("film.mp4"))

    def test_mp4_with_its_index_at_the_front(self):
        self.check_duration(self.media("film.mp4", "-movflags", "+faststart"))

    def test_mpeg_ts(self):
        content = self.media("film.ts")
        self.check_duration(content)
        # To the end: the file is whole, and the player's events were written.
        self.assertEqual(self.player.wait(90), 0, self.player.stderr())
        self.assertEqual(sha256(self.output), sha256(content))
        names = {event["event"] for event in self.events(self.metrics)}
        self.assertLessEqual({"Connected", "PlayRequested", "Started", "PieceVerified", "Completed"}, names)

    def test_the_last_bytes_come_first_when_asked_for(self):
        content = self.media("film.mp4")
        data = content.read_bytes()
        http = self.play(content)
        began = time.monotonic()
        status, headers, body = get(http, "/stream", {"Range": "bytes=-1000"})
        took = time.monotonic() - began
        self.assertEqual(status, 206)
        self.assertEqual(headers["Content-Range"], f"bytes {len(data) - 1000}-{len(data) - 1}/{len(data)}")
        self.assertEqual(headers["Content-Type"], "video/mp4")
        self.assertEqual(body, data[-1000:])
        self.assertTrue(self.is_downloading())
        self.assertLess(took, 5)
        time.sleep(0.5)
        pieces = [event["piece"] for event in self.events(self.metrics) if event["event"] == "PieceVerified"]
        last = (len(data) - 1) // 65536
        self.assertIn(last, pieces[:8], "it was not fetched first")

    def test_ranges_and_several_readers(self):
        content = self.media("film.ts")
        data = content.read_bytes()
        http = self.play(content, "--duration", SECONDS)
        status, headers, body = get(http, "/stream", method="HEAD")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(headers["Content-Length"], str(len(data)))
        self.assertEqual(headers["Content-Type"], "video/mp2t")
        self.assertEqual(headers["Accept-Ranges"], "bytes")
        status, headers, body = get(http, "/stream/0", {"Range": "bytes=100-199"})
        self.assertEqual((status, body), (206, data[100:200]))
        status, headers, _ = get(http, "/stream", {"Range": f"bytes={len(data)}-"})
        self.assertEqual((status, headers["Content-Range"]), (416, f"bytes */{len(data)}"))
        self.assertEqual(get(http, "/stream/1")[0], 404)
        self.assertEqual(get(http, "/stream", method="POST")[0], 405)
        whole = subprocess.Popen(["curl", "-s", f"http://{http}/stream"], stdout=subprocess.PIPE)
        self.addCleanup(whole.kill)
        tail = get(http, "/stream", {"Range": f"bytes={len(data) - 300_000}-"}, seconds=60)
        self.assertEqual((tail[0], tail[2]), (206, data[-300_000:]))
        self.assertTrue(self.is_downloading())
        self.assertEqual(whole.communicate(timeout=90)[0], data)
