"""IPv6, and nothing else: trackers over HTTP and UDP (BEP 7, BEP 15), peers of peers (BEP 11), uTP, and both families
at one port."""

import ipaddress
import itertools
import os
import re
import subprocess
import sys

from clients import MIB, Clients, wait_until
from lab import HERE, get, sha256

NUMBERS = itertools.count(1)


class Ipv6(Clients):
    def setUp(self):
        super().setUp()
        if self.NET == "127.0":
            self.skipTest("SKIPPED: addresses of IPv6 need a network of its own")

    def ip6(self):
        high = int(os.environ.get("SWARMBED_TEST_ADDRESS", "0"))
        ip = str(ipaddress.ip_address(f"fd77::{high:x}:{next(NUMBERS):x}"))
        subprocess.run(["ip", "-6", "addr", "add", f"{ip}/128", "dev", "lo", "nodad"], check=True)
        self.addCleanup(subprocess.run, ["ip", "-6", "addr", "del", f"{ip}/128", "dev", "lo"], check=True)
        return ip

    def ours(self, name, *arguments, ip=None):
        """Of ours, at an address of IPv6 alone; it writes whom it meets."""
        ip = ip or self.ip6()
        process = self.node(name, *arguments, "--listen", ip, "--json", "--metrics", self.folder / f"{name}.jsonl")
        wait_until(f"{name} listens", lambda: "peer port" in process.stderr() or not process.running())
        self.assertTrue(process.running(), process.stderr())
        process.ip, process.addr = ip, f"[{ip}]:6881"
        return process

    def leech(self, name, what, *arguments):
        copy = self.folder / f"{name}.copy"
        process = self.ours(name, "play", what, "--dir", copy, *arguments)
        process.copy = copy
        return process

    def lt(self, name, torrent, save, *arguments, ip=None):
        ip = ip or self.ip6()
        addr = f"[{ip}]:6881"
        process = self.start(name, sys.executable, HERE / "lt_peer.py", "--torrent", torrent, "--save", save,
                             "--listen", addr, "--stay", "--timeout", 150, *arguments)
        process.ip, process.addr, process.copy = ip, addr, save
        sockets = ["ss", "-Hln", "-u" if "--utp" in arguments else "-t", "src", addr]
        wait_until(f"{name} listens", lambda: not process.running() or
                   subprocess.run(sockets, stdout=subprocess.PIPE, check=True).stdout)
        self.assertTrue(process.running(), process.stderr())
        return process

    def met(self, process):
        events = self.events(self.folder / f"{process.name}.jsonl")
        return {event["addr"].rsplit(":", 1)[0].strip("[]") for event in events if event["event"] == "Connected"}

    def test_trackers_over_http_and_udp(self):
        tracker = f"[{self.ip6()}]:6969"
        process = self.node("tracker6", "tracker", "--listen", tracker)
        wait_until("the tracker listens", lambda: "tracker at" in process.stderr())
        for number, scheme in enumerate(["http", "udp"]):
            # Private: nobody else tells of peers.
            content = self.noise(2 * MIB + number, f"{scheme}.bin")
            torrent = self.create(content, "--tracker", f"{scheme}://{tracker}/announce", "--private")
            theirs = self.lt(f"lt-seed-{scheme}", torrent, content.parent, "--seed")
            ours = self.leech(f"leech-{scheme}", torrent)
            self.wait_whole(ours, ours.copy / content.name, content, 60)
            wait_until("it tells whom it met", lambda: theirs.ip in self.met(ours))
            # From ours alone.
            self.assertEqual(theirs.stop(), 0)
            copy = self.folder / f"lt-{scheme}"
            lt = self.lt(f"lt-leech-{scheme}", torrent, copy)
            self.wait_whole(lt, copy / content.name, content, 60)

    def test_neighbours_of_neighbours_meet(self):
        torrent = self.create(self.noise(MIB))
        # In the middle ours, then libtorrent's: it tells one of the two others of the other.
        hub = self.leech("hub", torrent)
        one, two = (self.leech(name, torrent, "--peer", hub.addr) for name in ["one", "two"])
        wait_until("they meet by ours", lambda: two.ip in self.met(one) or one.ip in self.met(two), 60)
        theirs = self.lt("lt-hub", self.create(self.noise(MIB + 1, "other.bin")), self.folder / "lt-hub")
        three, four = (self.leech(name, self.folder / "other.bin.torrent", "--peer", theirs.addr)
                       for name in ["three", "four"])
        wait_until("they meet by libtorrent", lambda: four.ip in self.met(three) or three.ip in self.met(four), 120)

    def test_a_link_over_utp_and_media_at_that_address(self):
        content = self.noise(2 * MIB)
        torrent = self.create(content)
        seed = self.lt("lt-seed", torrent, content.parent, "--seed", "--utp")
        http = self.ip6()
        ours = self.leech("leech", self.magnet(torrent), "--peer", seed.addr, "--http", f"[{http}]:8080")
        self.wait_whole(ours, ours.copy / content.name, content, 60)
        said = re.search(r"media at (\S+)", ours.stderr())[1]
        self.assertIn(f"[{http}]:8080", said)
        status, _, body = get(f"[{http}]:8080", "/stream")
        self.assertEqual((status, body), (200, content.read_bytes()))

    def test_both_families_at_one_port(self):
        content = self.noise(2 * MIB)
        torrent = self.create(content)
        # Every address of this machine: its port is not another test's.
        seed = self.node("seed", "seed", torrent, "--dir", content.parent, "--listen", "::", "--port", "6899",
                         "--tracker-listen", f"[{self.ip6()}]:6969", "--json")
        wait_until("the seed listens", lambda: "peer port" in seed.stderr())
        # Where a port is everybody's, datagrams are answered from the address that the system takes: the one asked,
        # if it is the asker's own.
        for utp, ip in itertools.product([False, True], [f"{self.NET}.0.1", "::1"]):
            at, copy = f"[{ip}]" if ":" in ip else ip, self.folder / f"copy{utp}{':' in ip}"
            process = self.start(copy.name, sys.executable, HERE / "lt_peer.py", "--torrent", torrent, "--save", copy,
                                 "--listen", f"{at}:6898", "--peer", f"{at}:6899", *(["--utp"] if utp else []))
            self.assertEqual(process.wait(60), 0)
            self.assertEqual(sha256(copy / content.name), sha256(content), copy)
        self.assertEqual(seed.stop(), 0, seed.stderr())
