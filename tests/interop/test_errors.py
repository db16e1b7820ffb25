"""Each error names place and remedy, has its exit code, and leaves nothing half-written."""

import signal
import socket
import subprocess

from lab import Lab, wait_until

MIB = 1024 * 1024


class Errors(Lab):
    def fails(self, code, words, *arguments, seconds=30):
        process, got = self.run_node(*arguments, seconds=seconds)
        text = process.stderr()
        self.assertEqual(got, code, text)
        for word in [*words, "help:"]:
            self.assertIn(word, text)
        self.assertNotIn("panicked", text)
        return process

    def torrent(self, *arguments):
        self.content = self.noise(MIB)
        return self.create(self.content, *arguments)

    def test_no_torrent(self):
        path = self.noise(1000, "film.mp4")
        for command in ["play", "seed"]:
            self.fails(2, [str(path), "not a torrent", "node create"], command, path)
        missing = self.folder / "missing.torrent"
        process = self.fails(2, [str(missing), "cannot be read"], "play", missing, "--json")
        self.assertIn("missing.torrent", process.json()["error"])

    def test_version_2_only(self):
        import libtorrent as lt
        content = self.noise(MIB)
        files = lt.file_storage()
        lt.add_files(files, str(content))
        maker = lt.create_torrent(files, 0, lt.create_torrent.v2_only)
        lt.set_piece_hashes(maker, str(content.parent))
        path = self.folder / "v2.torrent"
        path.write_bytes(lt.bencode(maker.generate()))
        self.fails(2, [str(path), "version 2"], "play", path)

    def test_bad_options(self):
        torrent = self.torrent()
        for arguments, words in [
            (["--selector", "best"], ["rarest-first"]),
            (["--up", "5"], ["kbit/s"]),
            (["--output", self.folder], ["is a folder"]),
            (["--tracker", "https://a/announce"], ["https://a/announce", "TLS"]),
            (["--peer", "nowhere"], ["nowhere"]),
            (["--down", "0"], ["moves nothing"]),
        ]:
            process, code = self.run_node("play", torrent, "--listen", self.ip(), "--dir", self.folder / "d",
                                          *arguments)
            self.assertEqual(code, 2, process.stderr())
            for word in words:
                self.assertIn(word, process.stderr())

    def test_seed_without_its_content(self):
        torrent = self.torrent()
        empty = self.folder / "empty"
        empty.mkdir()
        self.fails(2, [str(empty), "0 of", "--dir"], "seed", torrent, "--dir", empty)
        self.assertEqual(list(empty.iterdir()), [])

    def test_absent_tracker(self):
        torrent = self.torrent("--tracker", f"http://{self.ip()}:1/announce")
        output = self.folder / "copy.bin"
        arguments = ["play", torrent, "--listen", self.ip(), "--output", output]
        # One that may end by itself gives up after half a minute; another when it is told to stop.
        waiting = self.node("waiting", *arguments[:-1], self.folder / "other.bin", "--port", "0")
        self.fails(1, [":1/announce", "Connection refused", "no peers", "--peer"], *arguments,
                   "--exit-when-complete", seconds=50)
        self.assertFalse(output.exists())
        self.assertGreaterEqual(waiting.stderr().count("will be asked again"), 2)
        waiting.child.send_signal(signal.SIGINT)
        self.assertEqual(waiting.wait(10), 1)

    def test_occupied_ports(self):
        torrent = self.torrent()
        ip = self.ip()
        taken = socket.create_server((ip, 7000))
        self.addCleanup(taken.close)
        dir = self.folder / "copy"
        common = ["--dir", dir, "--exit-when-complete"]
        self.fails(1, [f"peer port {ip}:7000", "taken", "--port"],
                   "play", torrent, "--listen", ip, "--port", "7000", *common)
        self.fails(1, [f"player {ip}:7000", "taken", "--http"],
                   "play", torrent, "--listen", ip, "--http", f"{ip}:7000", *common)
        self.fails(1, [f"tracker {ip}:7000", "taken", "--listen"], "tracker", "--listen", f"{ip}:7000")
        self.fails(1, [f"tracker {ip}:7000", "taken", "--tracker-listen"], "seed", torrent,
                   "--dir", self.content.parent, "--listen", ip, "--tracker-listen", f"{ip}:7000")

    def small_disk(self):
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", disk], capture_output=True)
        if mounted.returncode:
            self.skipTest("cannot mount a small disk here")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        return disk

    def test_full_disk(self):
        torrent = self.torrent("--tracker", self.tracker())
        disk = self.small_disk()
        self.seed_ready(self.libtorrent("seed", torrent, self.content.parent, "--seed"))
        output = disk / "copy.bin"
        self.fails(1, [str(output), "disk is full", str(MIB), "--output"], "play", torrent, "--listen", self.ip(),
                   "--output", output, "--exit-when-complete")
        self.assertFalse(output.exists())

    def test_create_leaves_nothing_half_written(self):
        content = self.noise(MIB)
        disk = self.small_disk()
        (disk / "filler").write_bytes(bytes(500_000))
        out = disk / "big.torrent"
        self.fails(1, [str(out), "disk is full"], "create", content, "--piece-length", "16", "--out", out)
        self.assertEqual([path.name for path in disk.iterdir()], ["filler"])

    def test_create_overwrites_only_when_told(self):
        content = self.noise(1000)
        out = self.folder / "there.torrent"
        out.write_text("mine")
        self.fails(2, [str(out), "exists", "--force"], "create", content, "--out", out)
        self.assertEqual(out.read_text(), "mine")
        process, code = self.run_node("create", content, "--out", out, "--force")
        self.assertEqual(code, 0, process.stderr())
        self.assertNotEqual(out.read_bytes(), b"mine")
        self.fails(2, ["nothing-here"], "create", self.folder / "nothing-here")

    def test_the_tracker_refuses_in_words(self):
        url = self.tracker()
        from lab import get
        addr = url.split("/")[2]
        status, _, body = get(addr, "/announce?info_hash=short")
        self.assertEqual((status, body), (200, b"d14:failure reason25:info_hash is not 20 bytese"))
        self.assertEqual(get(addr, "/")[0], 404)
        wait_until("it still runs", lambda: self.process("tracker").running())
