"""A download that is killed as by a power cut, ten times: nothing unverified is believed, nothing right is fetched again."""

import hashlib
import random
import signal
import time

from lab import Lab, sha256, wait_until

MIB = 1024 * 1024
PIECE = 32 * 1024


class Killed(Lab):
    def test_ten_times_at_random_moments(self):
        content = self.noise(24 * MIB)
        whole = content.read_bytes()
        hashes = [hashlib.sha1(whole[at:at + PIECE]).digest() for at in range(0, len(whole), PIECE)]
        torrent = self.create(content, "--tracker", self.tracker(), "--piece-length", "32 KiB")
        self.seed_ready(self.libtorrent("seed", torrent, content.parent, "--seed", "--up", 3_000_000, "--timeout", 200))
        output = self.folder / "copy.bin"
        chance, killed, right = random.Random(7), 0, set()

        def on_disk():
            """Pieces that are right, as the disk has them."""
            files = [path for path in self.folder.glob("copy.bin*") if path.is_file()]
            self.assertEqual(len(files), 1, files)
            data = files[0].read_bytes()
            return {piece for piece, digest in enumerate(hashes)
                    if hashlib.sha1(data[piece * PIECE:(piece + 1) * PIECE]).digest() == digest}

        def begin(run):
            metrics = self.folder / f"run{run}.jsonl"
            process = self.node(f"run{run}", "play", torrent, "--listen", self.ip(), "--output", output, "--metrics",
                                metrics, "--exit-when-complete", "--json", "--peer", self.seed)
            return process, metrics

        self.seed = self.process("seed").child.args[self.process("seed").child.args.index("--listen") + 1]
        while killed < 10:
            process, metrics = begin(killed)
            wait_until("it listens", lambda: "peer port" in process.stderr())
            time.sleep(chance.uniform(0.05, 1.1))
            self.assertTrue(process.running(), f"done after {killed} kills: make the content larger")
            process.child.send_signal(signal.SIGKILL)
            process.child.wait()
            killed += 1
            verified = {event["piece"] for event in self.events(metrics) if event["event"] == "PieceVerified"}
            self.assertFalse(verified & right, "a piece that was right on disk was fetched again")
            now = on_disk()
            # What was told as verified is there: a crash of the program alone loses nothing that it wrote.
            self.assertLessEqual(verified | right, now)
            right = now
        self.assertGreater(len(right), 50)
        # Some bytes of pieces that are not whole lie there as well, and of one that is, as of a disk that lies.
        spoilt = min(right)
        path = next(iter(self.folder.glob("copy.bin*")))
        with path.open("r+b") as file:
            file.seek(spoilt * PIECE + 5)
            file.write(b"\0\1\2\3")
        right = on_disk()
        self.assertNotIn(spoilt, right)
        process, metrics = begin("last")
        self.assertEqual(process.wait(60), 0, process.stderr())
        self.assertEqual(sha256(output), sha256(content))
        missing = len(hashes) - len(right)
        self.assertEqual(process.json()["downloaded"], missing * PIECE)
        print(f"    {len(right)} of {len(hashes)} pieces survived ten kills; {missing} were fetched after them", flush=True)
