"""Rings that wrap, inputs of all kinds, what cannot be broadcast, and what stays bounded."""

import os
import pathlib
import random
import signal
import struct
import subprocess
import time

from lab import media
from live_lab import BITRATE, LiveLab, Reader, wait_until

MIB = 1024 * 1024


class Window(LiveLab):
    def counted(self, size):
        """A file of numbered words, so that each part of it shows where it belongs."""
        path = self.folder / "counted.bin"
        path.write_bytes(b"".join(struct.pack(">Q", at) for at in range(size // 8)))
        return path

    def test_a_ring_of_12_wraps_many_times(self):
        # 10 pieces a second: the ring wraps every 1.2 s, and a viewer may lag by half of that.
        content, capacity = self.counted(12 * MIB), 32 * 1024 - 85
        source = self.broadcast("source", "--source", content, "--bitrate", "2600 kbit/s", "--piece-length", "32 KiB",
                                "--duration", "0:01")
        outputs = [self.folder / f"{name}.bin" for name in ["one", "two"]]
        one = self.viewer("one", source, "--output", outputs[0])
        two = self.viewer("two", source, "--output", outputs[1], "--no-torrent-trackers", "--peer", one.addr)
        wait_until("both watch", lambda: self.newest(one) > 30 and self.newest(two) > 30)
        # One stands still for longer than the window is, which stops the other, too, and a third that
        # came meanwhile: all go on once they notice. The third leaves, and comes back.
        late = self.viewer("late", source)
        produced = lambda: len(self.of(source, "Produced"))
        one.child.send_signal(signal.SIGSTOP)
        time.sleep(2)
        one.child.send_signal(signal.SIGCONT)
        for viewer in [one, two, late]:
            wait_until("it goes on", lambda viewer=viewer: self.newest(viewer) > produced() - 12, 25)
        self.assertEqual(late.stop(), 0)
        back = self.viewer("back", source, "--output", self.folder / "back.bin")
        wait_until("it is back", lambda: self.newest(back) > 0)
        for process in [source, one, two, back]:
            self.assertEqual(process.wait(60), 0, process.stderr())
            self.assertTrue(process.json()["ended"])
        laps = source.json()["produced"] // 12
        self.assertGreater(laps, 20)
        for viewer in [one, two, late, back]:
            self.assertEqual(self.names(viewer)["PieceFailed"], 0, viewer.stderr())
        said = {}
        for name, path in [("one", outputs[0]), ("two", outputs[1]), ("back", self.folder / "back.bin")]:
            data = path.read_bytes()
            said[name] = (len(data) // capacity, self.check_whole(data, content.read_bytes(), capacity, name))
        self.assertGreater(said["two"][0], 30)
        print(f"    {laps} laps of the ring; pieces saved, and gaps between them: {said}", flush=True)

    def check_whole(self, data, content, capacity, what):
        """`data` is pieces of `content`, in order; how many gaps there are."""
        pieces = {content[at:at + 64]: at for at in range(0, len(content), capacity)}
        at, gaps, before = 0, 0, None
        while at < len(data):
            where = pieces.get(data[at:at + 64])
            self.assertIsNotNone(where, f"{what}: byte {at} begins no piece")
            self.assertTrue(before is None or where > before, f"{what}: byte {at} goes back")
            gaps += before is not None and where != before + capacity
            piece = content[where:where + capacity]
            self.assertEqual(data[at:at + capacity], piece, f"{what}: a wrong piece at byte {at}")
            before, at = where, at + len(piece)
        return gaps

    def test_inputs_of_all_kinds(self):
        film = media(self.folder / "film.ts", 12)
        rate = f"{film.stat().st_size * 8 // 12 // 1000} kbit/s"
        # A file, at its pace, to its end: a viewer of the first hour has all of it.
        source = self.broadcast("file", "--source", film, "--bitrate", rate)
        began = time.monotonic()
        viewer = self.viewer("of-file", source, "--output", self.folder / "of-file.ts")
        # An HTTP stream, here of the viewer's own making: broadcast again, under a name of its own.
        chain = self.broadcast("http", "--source", f"http://{viewer.http}/stream", "--bitrate", rate, ip=self.ip(),
                               name="again")
        second = self.viewer("of-http", chain, "--output", self.folder / "of-http.ts")
        # A command that has ended well, and one that has not.
        piped, code = self.run_node("broadcast", "--name", "pipe", "--destdir", self.folder, "--listen", self.ip(),
                                    "--tracker-listen", f"{self.ip()}:6969", "--source", f"pipe:cat {film}", "--json")
        self.assertEqual((code, piped.json()["ended"]), (0, True), piped.stderr())
        broken, code = self.run_node("broadcast", "--name", "broken", "--destdir", self.folder, "--listen", self.ip(),
                                     "--tracker-listen", f"{self.ip()}:6969", "--source", f"pipe:cat {film}; false")
        self.assertEqual(code, 1)
        self.assertIn("the command ended with exit status: 1", broken.stderr())
        self.assertEqual(source.wait(60), 0, source.stderr())
        self.assertGreater(time.monotonic() - began, 11, "it was not paced")
        for process in [viewer, chain, second]:
            self.assertEqual(process.wait(60), 0, process.stderr())
        for path in ["of-file.ts", "of-http.ts"]:
            data, whole = (self.folder / path).read_bytes(), film.read_bytes()
            # From the first key frame, with its tables before it.
            self.assertEqual(data[2 * 188:], whole[-(len(data) - 2 * 188):], path)
            self.assertGreater(len(data), len(whole) * 0.75, path)

    def test_a_file_that_begins_again(self):
        film = media(self.folder / "film.ts", 2)
        rate = f"{film.stat().st_size * 8 // 2 // 1000} kbit/s"
        source = self.broadcast("loop", "--source", film, "--bitrate", rate, "--loop", "--thumb",
                                self.thumbnail(film))
        began = time.monotonic()
        time.sleep(6)
        produced, seconds = len(self.of(source, "Produced")), time.monotonic() - began
        self.assertEqual(source.stop(), 0)
        length = int(source.tstream.read_bytes().split(b"12:piece lengthi")[1].split(b"e")[0])
        rate = produced * length / seconds
        self.assertAlmostEqual(rate / (film.stat().st_size / 2), 1, delta=0.25)
        self.assertIn(b"9:Thumbnail", source.tstream.read_bytes())

    def test_stopped_it_ends_and_hung_up_it_goes_on(self):
        noise = self.noise(4 * MIB)
        source = self.broadcast("source", "--source", noise, "--loop", "--bitrate", "2 Mbit/s")
        viewer = self.viewer("viewer", source, "--output", self.folder / "copy.bin")
        reader = Reader(viewer.http)
        self.addCleanup(reader.close)
        wait_until("it plays", lambda: reader.count > MIB, 30)
        # Left open, the viewer stays, and the next source goes on with the next piece.
        source.child.send_signal(signal.SIGHUP)
        self.assertEqual(source.wait(15), 0, source.stderr())
        self.assertFalse(source.json()["ended"])
        before = self.newest(viewer)
        again = self.broadcast("again", "--source", noise, "--loop", "--bitrate", "2 Mbit/s")
        wait_until("the viewer goes on", lambda: self.newest(viewer) > before + 4, 30)
        self.assertTrue(viewer.running())
        # Told to stop, it ends, and everybody who watches plays to the end.
        self.assertEqual(again.stop(60), 0, again.stderr())
        self.assertIn("the stream ends here, as told,", again.stderr())
        self.assertTrue(again.json()["ended"])
        self.assertEqual(viewer.wait(60), 0, viewer.stderr())
        self.assertTrue(viewer.json()["ended"])
        wait_until("the player hears of the end", lambda: reader.ended)
        last = max(event["piece"] for event in self.of(again, "Produced"))
        self.assertEqual(self.newest(viewer), last)
        self.assertEqual(self.names(viewer)["Skipped"], 0)

    def thumbnail(self, film):
        path = self.folder / "thumb.jpg"
        subprocess.run(["ffmpeg", "-v", "error", "-i", film, "-frames:v", "1", path], check=True)
        return path

    def test_what_cannot_be_broadcast_or_watched_is_told(self):
        folder = self.folder / "errors"
        folder.mkdir()
        film = media(self.folder / "film.ts", 1)
        broadcast = ["broadcast", "--name", "tv", "--destdir", folder, "--listen", self.ip(), "--tracker-listen",
                     f"{self.ip()}:6969", "--source"]
        closed = f"{self.ip()}:1"
        cases = [
            ([*broadcast, self.folder / "none.ts"], 2, ["none.ts: cannot be read: No such file", "check the path"]),
            ([*broadcast, folder], 2, ["is a folder", "--source"]),
            ([*broadcast, f"http://{closed}/"], 1, [f"http://{closed}/: Connection refused", "--source"]),
            ([*broadcast, "-"], 1, ["standard input: ended before its first byte"]),
            ([*broadcast, "https://a/"], 2, ["ffmpeg fetch it, with pipe:COMMAND"]),
            ([*broadcast, film, "--bitrate", "5"], 2, ["write a unit"]),
            ([*broadcast, film, "--piece-length", "100"], 2, ["--piece-length: 100 bytes"]),
            ([*broadcast, film, "--thumb", film], 2, ["no JPEG"]),
            ([*broadcast, film, "--window", "1:00", "--duration", "1:00"], 2, ["cannot be used with"]),
        ]
        for arguments, expected, words in cases:
            process, code = self.run_node(*arguments)
            for word in words:
                self.assertIn(word, process.stderr())
            self.assertEqual(code, expected, process.stderr())
        # Streams of 2008 are refused by name, and a stream is no film.
        process, code = self.run_node(*broadcast, film)
        self.assertEqual(code, 0, process.stderr())
        tstream = folder / "tv.tstream"
        old = self.folder / "old.tstream"
        old.write_bytes(tstream.read_bytes().replace(b"7:Ed25519", b"3:RSA"))
        process, code = self.run_node("play", old)
        self.assertEqual(code, 2)
        self.assertIn('authenticated by "RSA": only "Ed25519" is supported', process.stderr())
        process, code = self.run_node("seed", tstream)
        self.assertEqual(code, 2)
        self.assertIn("is a live stream", process.stderr())
        self.assertIn("swarmbed node play", process.stderr())
        # Its key is nobody else's.
        os.chmod(folder / "tv.key", 0o644)
        process, code = self.run_node(*broadcast, film)
        self.assertEqual(code, 2)
        self.assertIn("chmod 600", process.stderr())

    def test_memory_and_disk_stay_bounded(self):
        seconds, rate = int(os.environ.get("SWARMBED_BOUNDED_S", 25)), os.environ.get("SWARMBED_BOUNDED_RATE", "24 Mbit/s")
        noise = self.folder / "noise.bin"
        noise.write_bytes(random.Random(1).randbytes(8 * MIB))
        source = self.broadcast("source", "--source", noise, "--loop", "--bitrate", rate, "--window", "0:04")
        viewer = self.viewer("viewer", source)
        readers = [Reader(viewer.http, keep=False), Reader(viewer.http, keep=False, slow=True)]
        for reader in readers:
            self.addCleanup(reader.close)
        wait_until("it plays", lambda: self.names(viewer)["Started"], 30)
        window = int(source.tstream.read_bytes().split(b"6:lengthi")[1].split(b"e")[0])
        time.sleep(8)
        began = time.monotonic()
        first = {process.name: memory(process) for process in [source, viewer]}
        most = dict(first)
        while time.monotonic() - began < seconds:
            time.sleep(1)
            for process in [source, viewer]:
                most[process.name] = max(most[process.name], memory(process))
                self.assertLessEqual(disk(process), window, f"{process.name}: more than its window")
        before = readers[1].count
        # The slow one missed most of it; what it gets now is of today.
        readers[1].go.set()
        wait_until("the slow reader goes on", lambda: readers[1].count > before + 4 * MIB)
        for process in [source, viewer]:
            self.assertLess(most[process.name] - first[process.name], 24 * MIB, f"{process.name}: {first}, {most}")
            self.assertLess(most[process.name], 160 * MIB)
        self.assertGreater(readers[0].count, seconds * 1_500_000)
        self.assertEqual(viewer.stop(), 0)
        self.assertEqual(source.stop(), 0)
        shown = {name: (first[name] // 1024, most[name] // 1024) for name in first}
        print(f"    {seconds} s at {rate}: RSS first and most, KiB: {shown}; window {window // 1024} KiB; "
              f"downloaded {viewer.json()['downloaded'] // MIB} MiB, skipped {viewer.json()['skipped_s']:.1f} s",
              flush=True)


def memory(process):
    """Bytes that it holds in memory now."""
    for line in pathlib.Path(f"/proc/{process.child.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"{process.name} is gone")


def disk(process):
    """Bytes on disk of its window, named or not."""
    folder = pathlib.Path(f"/proc/{process.child.pid}/fd")
    files = [os.stat(fd) for fd in folder.iterdir() if ".window" in os.readlink(fd)]
    assert len(files) == 1, files
    return files[0].st_blocks * 512
