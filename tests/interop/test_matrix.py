"""Each client with ours: it seeds, we seed, both in one swarm; trackers of ours and of others; peers of peers."""

import os
import shutil
import time

from clients import MIB, Clients, wait_until
from wire import info_of


class Matrix(Clients):
    def test_every_client_seeds_leeches_and_shares_with_ours(self):
        # All swarms at once, each of a torrent of its own.
        tracker, self.cells, size = self.tracker(), [], 8 * MIB
        for kind in self.installed():
            for cell in ["it seeds", "we seed", "both in one swarm"]:
                size += 1
                content = self.noise(size, f"{kind}-{cell.replace(' ', '-')}.bin")
                torrent = self.create(content, "--tracker", tracker)
                name = content.stem
                if cell == "it seeds":
                    seed = self.client(kind, f"{name}-seed", torrent, content.parent, seed=True)
                    self.expect(kind, cell, content, [self.play(f"{name}-leech", torrent)])
                elif cell == "we seed":
                    seed = self.serve(f"{name}-seed", torrent, content)
                    self.known(tracker, torrent)
                    self.expect(kind, cell, content, [self.theirs(kind, f"{name}-leech", torrent)])
                else:
                    # So slow that they must share.
                    seed = self.serve(f"{name}-seed", torrent, content, "--up", "600 kB/s")
                    self.known(tracker, torrent)
                    self.expect(kind, cell, content, [
                        self.play(f"{name}-ours", torrent), self.theirs(kind, f"{name}-theirs", torrent)])
                self.cells[-1].append(seed)
        for kind, cell, content, leeches, seed in self.cells:
            with self.subTest(f"{kind}: {cell}"):
                took = [self.wait_whole(leech, leech.copy / content.name, content, 120) for leech in leeches]
                if cell == "both in one swarm":
                    # Of two copies the seed sent one and a part: the rest they gave each other. Not all give back
                    # in so short a time: rTorrent looks whom to serve every 30 s.
                    ours = leeches[0]
                    for process in [seed, ours]:
                        self.assertEqual(process.stop(), 0, process.stderr())
                    size = content.stat().st_size
                    sent, gave = seed.json()["uploaded"] / size, ours.json()["uploaded"] / size
                    print(f"    {kind}: {cell}: the seed sent {sent:.2f} copies to two, ours {gave:.2f}", flush=True)
                    self.assertTrue(sent < 1.9 or gave > 0)
                else:
                    print(f"    {kind}: {cell}: ok, {max(took):.1f} s after the one before", flush=True)
        self.tell_skipped()

    def theirs(self, kind, name, torrent):
        copy = self.folder / f"{name}.copy"
        process = self.client(kind, name, torrent, copy)
        process.copy = copy
        return process

    def expect(self, kind, cell, content, leeches):
        self.cells.append([kind, cell, content, leeches])


class Trackers(Clients):
    def exchange(self, url, size, names):
        """Our seed, and leeches of these kinds, who know nothing but the tracker."""
        content = self.noise(size, f"content{size}.bin")
        torrent = self.create(content, "--tracker", url, "--private")
        self.allow(info_of(torrent)[0])
        seed = self.serve(f"seed{size}", torrent, content, "--tracker", url)
        leeches = []
        for kind in names:
            name = f"{kind}{size}"
            if kind == "ours":
                leeches.append(self.play(name, torrent))
            else:
                leeches.append(self.client(kind, name, torrent, self.folder / f"{name}.copy"))
                leeches[-1].copy = self.folder / f"{name}.copy"
        for leech in leeches:
            self.wait_whole(leech, leech.copy / content.name, content)
        self.assertEqual(seed.stop(), 0, seed.stderr())

    def allow(self, info_hash):
        """A tracker that serves what is on its list is told."""

    def test_ours_over_udp_with_every_client(self):
        addr = self.tracker().removeprefix("http://").split("/")[0]
        # aria2 speaks to such trackers only with its DHT on, which would go looking for the world.
        self.exchange(f"udp://{addr}/announce", 2 * MIB, ["ours", *(set(self.installed()) - {"aria2"})])
        self.tell_skipped()

    def test_opentracker_over_http_and_udp(self):
        if not shutil.which("opentracker") or os.geteuid():
            self.skipTest("SKIPPED: opentracker is not installed, or this is not root")
        ip, root = self.ip(), self.folder / "opentracker"
        root.mkdir(mode=0o755)
        self.folder.chmod(0o755)
        listed, config = root / "list.txt", root / "opentracker.conf"
        listed.touch()
        config.write_text(f"listen.tcp {ip}:6969\nlisten.udp {ip}:6969\ntracker.rootdir {root}\n"
                          "access.whitelist /list.txt\ntracker.user nobody\n")
        for size, scheme in [(2 * MIB + 1, "http"), (2 * MIB + 2, "udp")]:
            # Debian's serves what is on a list, and reads it when it starts.
            def allow(info_hash):
                listed.write_text(info_hash.hex() + "\n")
                tracker = self.start(f"opentracker-{scheme}", "opentracker", "-f", config)
                self.seed_ready(f"{ip}:6969")
                self.addCleanup(tracker.kill)
                self.now = tracker
            self.allow = allow
            self.exchange(f"{scheme}://{ip}:6969/announce", size, ["ours", "libtorrent"])
            self.now.kill()


class Peers(Clients):
    """Of peers that know one neighbour, who meets whom by peer exchange (BEP 11)."""

    def empty(self, name, torrent, *arguments):
        """One of ours with nothing; where it listens, and whom it met."""
        process = self.play(name, torrent, "--metrics", self.folder / f"{name}.jsonl", *arguments)
        process.ip = process.child.args[process.child.args.index("--listen") + 1]
        process.addr = f"{process.ip}:6881"
        wait_until(f"{name} listens", lambda: "peer port" in process.stderr() or not process.running())
        self.assertTrue(process.running(), process.stderr())
        return process

    def met(self, process):
        events = self.events(self.folder / f"{process.name}.jsonl")
        return {event["addr"].rsplit(":", 1)[0] for event in events if event["event"] == "Connected"}

    def torrent(self, size, *arguments):
        return self.create(self.noise(size, f"content{size}.bin"), *arguments)

    def test_neighbours_of_neighbours_meet(self):
        expected = []
        # Ours in the middle: it dials them, and tells each of the other.
        for number, kind in enumerate(self.installed()):
            if kind in ["aria2", "rtorrent"] or kind == "rqbit" and not shutil.which("rqbit"):
                # Both hear and tell. But the one cannot be told of a peer to begin with, nor dials us in time; and
                # the other takes no torrent without a tracker. rqbit's library for Python is told of no peer either.
                continue
            torrent = self.torrent(MIB + number)
            theirs = self.client(kind, f"{kind}-told", torrent, self.folder / f"{kind}-told")
            self.seed_ready(theirs.addr)
            hub = self.empty(f"hub-{kind}", torrent, "--peer", theirs.addr)
            other = self.empty(f"other-{kind}", torrent, "--peer", hub.addr)
            expected.append((f"we told {kind}", other, theirs.addr.split(":")[0]))
            if kind in ["webtorrent", "rqbit"]:
                # They tell only of peers that they dialled themselves, and they were dialled.
                continue
            # Theirs in the middle: it tells one of ours of the other.
            torrent = self.torrent(2 * MIB + number)
            hub = self.client(kind, f"{kind}-hub", torrent, self.folder / f"{kind}-hub")
            self.seed_ready(hub.addr)
            one = self.empty(f"one-{kind}", torrent, "--peer", hub.addr)
            two = self.empty(f"two-{kind}", torrent, "--peer", hub.addr)
            expected.append((f"{kind} told us", one, two.ip))
        # The same in private: nobody may be met by hearsay.
        torrent = self.torrent(3 * MIB, "--private")
        began = time.monotonic()
        hub = self.empty("hub-private", torrent)
        private = [self.empty(f"{name}-private", torrent, "--peer", hub.addr) for name in ["one", "two"]]
        for what, process, ip in expected:
            # Some tell every minute, some oftener.
            with self.subTest(what):
                wait_until(f"{what}: {process.name} meets {ip}", lambda: ip in self.met(process), 120)
                print(f"    {what}", flush=True)
        time.sleep(max(0, began + 12 - time.monotonic()))
        for one in private:
            self.assertEqual(self.met(one), {hub.ip})
        self.tell_skipped()


