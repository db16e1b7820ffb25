"""A stream of ffmpeg's, its viewers, and a source that dies and comes back."""

import signal
import time

from live_lab import BITRATE, LiveLab, Reader, get, wait_until


class Viewers(LiveLab):
    def on_air(self, name, seconds=None):
        pictures = self.pictures(seconds)
        source = self.broadcast(name, "--source", "-", "--bitrate", BITRATE, stdin=pictures.stdout)
        pictures.stdout.close()
        source.pictures = pictures
        return source

    def check_goes_on(self, viewers, since, within=20):
        """Each viewer gets later pieces than it had, so soon after `since`; how long each took."""
        before = {viewer.name: self.newest(viewer) for viewer in viewers}
        took = {}
        while len(took) < len(viewers):
            self.assertLess(time.monotonic() - since, within, f"only {took} went on")
            for viewer in viewers:
                if viewer.name not in took and self.newest(viewer) > before[viewer.name]:
                    took[viewer.name] = round(time.monotonic() - since, 1)
            time.sleep(0.1)
        return took

    def test_viewers_who_never_meet_the_source_and_a_source_that_comes_back(self):
        source = self.on_air("source")
        # A chain: whatever `two` plays, `one` has passed on. (A relay too slow for two viewers who know
        # each other as well is no test of decoding: supply meets demand exactly, and pieces come too late.)
        relay = self.viewer("relay", source)
        alone = ["--no-torrent-trackers", "--peer"]
        one = self.viewer("one", source, *alone, relay.addr)
        two = self.viewer("two", source, *alone, one.addr)
        viewers = [relay, one, two]
        # Of each viewer's player, 30 s without an error; beside them one that reads nothing, and one
        # that stays to the end.
        slow, steady = Reader(two.http, slow=True), Reader(two.http)
        self.addCleanup(slow.close)
        self.addCleanup(steady.close)
        decoders = [self.decode(viewer, 30) for viewer in viewers]
        for decoder in decoders:
            self.check_decoded(decoder, 60)
        for viewer in viewers:
            names = self.names(viewer)
            self.assertGreaterEqual(names["Started"], 1, names)
            self.assertGreaterEqual(names["LiveLag"], 1, names)
            for bad in ["Skipped", "Rehooked", "PieceFailed"]:
                self.assertEqual(names[bad], 0, f"{viewer.name}: {names}")
        self.assertGreater(steady.count, 2_000_000)
        slow.go.set()

        # The source dies as by a power cut, and comes back.
        source.child.send_signal(signal.SIGKILL)
        source.pictures.kill()
        died = time.monotonic()
        before = max(self.newest(viewer) for viewer in viewers)
        read = steady.count
        time.sleep(3)
        again = self.on_air("source-again", seconds=30)
        restarted = time.monotonic()
        took = self.check_goes_on(viewers, died)
        print(f"    after the source died: {took} s", flush=True)
        self.assertIn("goes on with piece", again.stderr())
        produced = [event["piece"] for event in self.of(again, "Produced")]
        self.assertGreater(min(produced), before, "a number was used twice")
        wait_until("the player gets more", lambda: steady.count > read, 20)
        # Who begins before the seam is played across it; the frame that the source was in the middle
        # of is all that is damaged.
        crossing = self.start("crossing", "ffmpeg", "-v", "error", "-i", f"http://{one.http}/stream", "-t", "8",
                              "-f", "null", "-")
        self.assertEqual(crossing.wait(40), 0, crossing.stderr())
        self.assertNotIn("Packet corrupt", crossing.stderr())
        # Who begins behind it, without an error. Playback is some 10 s behind the source.
        time.sleep(max(0, restarted + 14 - time.monotonic()))
        self.check_decoded(self.decode(one, 5), 40)

        # The input ends: so does the stream, for everybody, without an error.
        for process in [again, *viewers]:
            self.assertEqual(process.wait(90), 0, process.stderr())
            self.assertTrue(process.json()["ended"])
        wait_until("the players hear of the end", lambda: steady.ended and slow.ended)
        for viewer in [one, two]:
            met = {event["addr"].rsplit(":")[0] for event in self.of(viewer, "Connected")}
            self.assertNotIn(self.source_ip, met)
            self.assertIn("the stream has ended", viewer.stderr())
        # Each link of the chain passed it on.
        for passed_on in [relay, one]:
            self.assertGreater(passed_on.json()["uploaded"], 2_000_000)
        self.assertEqual(oct((self.folder / "tv" / "tv.key").stat().st_mode & 0o777), "0o600")

    def test_what_a_player_is_told(self):
        source = self.on_air("source", seconds=20)
        viewer = self.viewer("viewer", source)
        status, headers, body = get(viewer.http, "/stream", method="HEAD")
        self.assertEqual((status, body, headers["Content-Type"]), (200, b"", "video/mp2t"))
        self.assertNotIn("Content-Length", headers)
        self.assertIn("live", get(viewer.http, "/")[2].decode())
        self.assertEqual(get(viewer.http, "/film")[0], 404)
        self.assertEqual(get(viewer.http, "/stream", method="POST")[0], 405)
        reader = Reader(viewer.http)
        self.addCleanup(reader.close)
        wait_until("the stream comes", lambda: len(reader.data) > 200 * 188)
        data = bytes(reader.data)
        # Tables first, then the picture's key frame.
        pids = [int.from_bytes(data[at + 1:at + 3], "big") & 0x1fff for at in range(0, 3 * 188, 188)]
        self.assertEqual([data[at] for at in range(0, 200 * 188, 188)], [0x47] * 200)
        self.assertEqual(pids[0], 0)
        self.assertEqual(pids[1], 0x1000)
        self.assertEqual(pids[2], 0x100)
        self.assertTrue(data[2 * 188 + 1] & 0x40 and data[2 * 188 + 5] & 0x40, "no random access")
