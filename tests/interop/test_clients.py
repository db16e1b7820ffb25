"""libtorrent and swarmbed exchange whole files, through our own tracker."""

from lab import Lab, sha256, wait_until

MIB = 1024 * 1024


class Clients(Lab):
    def test_download_from_libtorrent(self):
        content = self.noise(64 * MIB)
        torrent = self.create(content, "--tracker", self.tracker())
        seed = self.libtorrent("seed", torrent, content.parent, "--seed")
        self.seed_ready(seed)
        output = self.folder / "copy.bin"
        process, code = self.run_node("play", torrent, "--listen", self.ip(), "--output", output,
                                      "--exit-when-complete", "--json")
        self.assertEqual(code, 0, process.stderr())
        self.assertEqual(sha256(output), sha256(content))
        summary = process.json()
        self.assertTrue(summary["complete"])
        self.assertEqual(summary["downloaded"], 64 * MIB)

    def test_seed_to_libtorrent(self):
        content = self.noise(64 * MIB)
        torrent = self.create(content, "--tracker", self.tracker())
        seed = self.node("seed", "seed", torrent, "--dir", content.parent, "--listen", self.ip(),
                         "--tracker-listen", f"{self.ip()}:6970", "--json")
        wait_until("the seed listens", lambda: "peer port" in seed.stderr())
        self.libtorrent("leech", torrent, self.folder / "copy")
        self.assertEqual(self.process("leech").wait(), 0)
        self.assertEqual(sha256(self.folder / "copy" / content.name), sha256(content))
        self.assertEqual(seed.stop(), 0)
        self.assertGreaterEqual(seed.json()["uploaded"], 64 * MIB)

    def test_one_process_seeds_several_torrents_at_one_port(self):
        contents = [self.noise(3 * MIB + number, f"content{number}.bin") for number in range(3)]
        own = f"{self.ip()}:6970"
        torrents = [self.create(content, "--tracker", f"http://{own}/announce") for content in contents]
        seed = self.node("seed", "seed", *torrents, "--dir", contents[0].parent, "--listen", self.ip(),
                         "--tracker-listen", own, "--up", "20 MB/s", "--json")
        wait_until("the seed listens", lambda: "peer port" in seed.stderr())
        for number, torrent in enumerate(torrents):
            self.libtorrent(f"leech{number}", torrent, self.folder / f"copy{number}")
        for number, content in enumerate(contents):
            self.assertEqual(self.process(f"leech{number}").wait(), 0)
            self.assertEqual(sha256(self.folder / f"copy{number}" / content.name), sha256(content))
        self.assertEqual(seed.stop(), 0)
        told = seed.json()
        self.assertEqual([one["name"] for one in told["torrents"]], [content.name for content in contents])
        for one, content in zip(told["torrents"], contents):
            self.assertGreaterEqual(one["uploaded"], content.stat().st_size)
        # Where the events of one torrent go, those of several cannot.
        process, code = self.run_node("seed", *torrents[:2], "--metrics", self.folder / "metrics.jsonl")
        self.assertEqual(code, 2, process.stderr())
        self.assertIn("several are given", process.stderr())

    def test_own_tracker_of_a_seed(self):
        content = self.noise(3 * MIB + 12345)
        own = f"{self.ip()}:6969"
        torrent = self.create(content, "--tracker", f"http://{own}/announce")
        seed = self.node("seed", "seed", torrent, "--dir", content.parent, "--listen", self.ip(),
                         "--tracker-listen", own)
        wait_until("the seed listens", lambda: "peer port" in seed.stderr())
        process, code = self.run_node("play", torrent, "--listen", self.ip(), "--dir", self.folder,
                                      "--exit-when-complete")
        self.assertEqual(code, 0, process.stderr())
        self.assertEqual(sha256(self.folder / content.name), sha256(content))

    def test_several_files_and_resuming(self):
        folder = self.folder / "content" / "series"
        (folder / "sub").mkdir(parents=True)
        for index, size in enumerate([1, 300_000, 0, 2 * MIB, 77_777]):
            path = folder / ("sub" if index % 2 else ".") / f"{index}.bin"
            path.write_bytes(bytes((index + at * 7) % 251 for at in range(size)))
        torrent = self.create(folder, "--tracker", self.tracker(), "--piece-length", "32 KiB")
        self.seed_ready(self.libtorrent("seed", torrent, folder.parent, "--seed"))
        copy = self.folder / "copy"
        arguments = ["play", torrent, "--listen", self.ip(), "--dir", copy, "--exit-when-complete", "--json"]
        process, code = self.run_node(*arguments)
        self.assertEqual(code, 0, process.stderr())
        for path in folder.rglob("*.bin"):
            self.assertEqual(sha256(copy / "series" / path.relative_to(folder)), sha256(path), path)
        # Damage one byte: only its piece is fetched again.
        damaged = copy / "series" / "sub" / "3.bin"
        with damaged.open("r+b") as file:
            file.seek(MIB)
            file.write(b"\xff")
        process, code = self.run_node(*arguments)
        self.assertEqual(code, 0, process.stderr())
        self.assertEqual(process.json()["downloaded"], 32 * 1024)
        self.assertEqual(sha256(damaged), sha256(folder / "sub" / "3.bin"))

    def test_swarm(self):
        content = self.noise(16 * MIB)
        torrent = self.create(content, "--tracker", self.tracker())
        # A seed of 4 MB/s for four leechers: they must share.
        seed = self.libtorrent("seed", torrent, content.parent, "--seed", "--up", 4_000_000)
        self.seed_ready(seed)
        copies = []
        for index in range(2):
            output = self.folder / f"swarmbed{index}.bin"
            copies.append(output)
            self.node(f"swarmbed{index}", "play", torrent, "--listen", self.ip(), "--output", output, "--json")
        for index in range(2):
            save = self.folder / f"libtorrent{index}"
            copies.append(save / content.name)
            self.libtorrent(f"libtorrent{index}", torrent, save, "--stay")
        for index in range(2):
            wait_until(f"swarmbed {index} completes", copies[index].exists, 60)
        want = sha256(content)
        for copy in copies:
            wait_until(f"{copy} is whole", lambda: copy.exists() and sha256(copy) == want, 60)
        for index in range(2):
            process = self.process(f"swarmbed{index}")
            self.assertEqual(process.stop(), 0, process.stderr())
            self.assertGreater(process.json()["uploaded"], 0)
        for index in range(2):
            process = self.process(f"libtorrent{index}")
            self.assertEqual(process.stop(), 0)
            self.assertIsNotNone(process.json()["done"])

    def test_give_to_get_asks_grandchildren(self):
        content = self.noise(6 * MIB)
        torrent = self.create(content, "--duration", "60", "--tracker", self.tracker())
        policies = ["--choker", "give-to-get", "--up", "300 kB/s"]
        seed = self.node("seed", "seed", torrent, "--dir", content.parent, "--listen", self.ip(),
                         "--tracker-listen", f"{self.ip()}:6970", *policies)
        wait_until("the seed listens", lambda: "peer port" in seed.stderr())
        metrics = [self.folder / f"metrics{index}.jsonl" for index in range(3)]
        for index, path in enumerate(metrics):
            self.node(f"leech{index}", "play", torrent, "--listen", self.ip(), "--metrics", path,
                      "--output", self.folder / f"copy{index}.bin", *policies)

        def answers():
            traffic = [event for path in metrics for event in self.events(path) if event["event"] == "Traffic"]
            return any(event["answers"] for event in traffic)
        wait_until("a grandchild reports", answers, 45)
