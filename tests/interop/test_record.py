"""A session with libtorrent, recorded and played again."""

import json
import signal
import subprocess

from lab import SWARMBED, Lab, media, wait_until


class Record(Lab):
    def replay(self, path, *arguments):
        done = subprocess.run([SWARMBED, "replay", path, "--json", *arguments], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_a_session_is_the_same_again(self):
        """Beside two libtorrent seeds; and one that is killed leaves a part."""
        film = media(self.folder / "film.mp4", 12)
        torrent = self.create(film, "--duration", "12", "--piece-length", "32 KiB")
        seeds = [self.libtorrent(f"seed{index}", torrent, self.folder, "--seed", "--up", "60000") for index in range(2)]
        for seed in seeds:
            self.seed_ready(seed)
        recording, metrics = self.folder / "one.rec", self.folder / "one.jsonl"
        process, code = self.run_node("play", torrent, "--listen", self.ip(), "--dir", self.folder / "copy", "--record",
                                      recording, "--metrics", metrics, "--exit-when-complete",
                                      *[word for seed in seeds for word in ["--peer", seed]], seconds=120)
        self.assertEqual(code, 0, process.stderr())
        again = self.replay(recording)
        self.assertTrue(again["recording"]["whole"])
        events = self.events(metrics)
        started = [event for event in events if event["event"] == "Started"]
        self.assertEqual(again["viewing"]["startup_s"], started[0]["delay_ns"] / 1e9 if started else None)
        stalls = [event["millis"] for event in events if event["event"] == "Resumed"]
        self.assertEqual([stall["millis"] for stall in again["viewing"]["stalls"]], stalls)
        # Nobody can be found by it.
        data = recording.read_bytes()
        for seed in seeds:
            self.assertNotIn(bytes(map(int, seed.rsplit(":", 1)[0].split("."))), data)
        self.assertNotIn(b"film.mp4", data)
        blocks = -(-film.stat().st_size // 16384)
        print(f"    {len(data) // blocks} bytes a block", flush=True)
        # The same policy in its place does the same.
        other = self.replay(recording, "--selector", "give-to-get")["other"]
        self.assertEqual(other["viewing"], again["viewing"])

        # Killed, it leaves what it had.
        part = self.folder / "two.rec.part"
        killed = self.node("killed", "play", torrent, "--listen", self.ip(), "--dir", self.folder / "copy2", "--record",
                           self.folder / "two.rec", "--peer", seeds[0])
        wait_until("something is recorded", lambda: part.exists() and part.stat().st_size > 2000)
        killed.child.send_signal(signal.SIGKILL)
        killed.child.wait()
        self.assertFalse((self.folder / "two.rec").exists())
        self.assertFalse(self.replay(part)["recording"]["whole"])
