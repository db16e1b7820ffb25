"""Peers that no tracker told of: the local network (BEP 14), the distributed table (BEP 5). And those whom we
do not speak to: they are told by name."""

import os
import random
import re
import socket
import subprocess
import sys

from clients import MIB, Clients, wait_until
from lab import HERE, sha256


class Finders(Clients):
    def lt(self, name, torrent, save, *arguments):
        addr = f"{self.ip()}:6881"
        process = self.start(name, sys.executable, HERE / "lt_peer.py", "--torrent", torrent, "--save", save,
                             "--listen", addr, "--timeout", 150, *arguments)
        process.addr = addr
        return process

    def pair(self, size):
        """Contents with a torrent each, that name no tracker."""
        contents = [self.noise(size + number, f"content{number}.bin") for number in range(2)]
        return [(content, self.create(content)) for content in contents]

    def test_the_local_network(self):
        if self.NET == "127.0":
            self.skipTest("SKIPPED: multicast needs a network of its own")
        subprocess.run(["ip", "link", "set", "lo", "multicast", "on"], check=True)
        subprocess.run(["ip", "route", "replace", "239.0.0.0/8", "dev", "lo"], check=True)
        (theirs, torrent), (ours, other) = self.pair(2 * MIB)
        self.lt("lt-seed", torrent, theirs.parent, "--seed", "--lsd")
        leech = self.play("leech", torrent, "--lsd")
        seed = self.serve("seed", other, ours, "--lsd", "--no-torrent-trackers")
        copy = self.folder / "lt-copy"
        lt = self.lt("lt-leech", other, copy, "--stay", "--lsd")
        # Without being told to look, nobody is found.
        blind = self.play("blind", torrent)
        self.wait_whole(leech, leech.copy / theirs.name, theirs, 60)
        self.wait_whole(lt, copy / ours.name, ours, 60)
        self.assertFalse((blind.copy / theirs.name).exists())
        self.assertEqual(seed.stop(), 0)

    def test_the_distributed_table(self):
        (theirs, torrent), (ours, other) = self.pair(3 * MIB)
        first = self.lt("lt-seed", torrent, theirs.parent, "--seed", "--dht")
        self.seed_ready(first.addr)
        via = ["--dht", "--dht-node", first.addr]
        seed = self.serve("seed", other, ours, *via, "--no-torrent-trackers")
        copy = self.folder / "lt-copy"
        lt = self.lt("lt-leech", other, copy, "--stay", *via)
        # A link alone: neither tracker nor peer in it.
        leech = self.play("leech", self.magnet(torrent), *via)
        self.wait_whole(leech, leech.copy / theirs.name, theirs, 120)
        self.wait_whole(lt, copy / ours.name, ours, 120)
        # A hostile datagram is no end: lists in lists, as many as fit, and other garbage.
        host, port = re.search(r"DHT at (\S+):(\d+)", seed.stderr()).groups()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for datagram in [b"l" * 2048, b"d1:al" * 400, b"d1:rd2:id" + b"d1:a" * 500, os.urandom(2000), b"i" * 2048]:
                sock.sendto(datagram, (host, int(port)))
        again = self.lt("lt-again", other, self.folder / "again", "--peer", seed.addr)
        self.assertEqual(again.wait(60), 0)
        self.assertEqual(sha256(self.folder / "again" / ours.name), sha256(ours))
        self.assertEqual(seed.stop(), 0, seed.stderr())

    def test_private_torrents_are_looked_for_nowhere(self):
        content = self.noise(MIB)
        torrent = self.create(content, "--private")
        first = self.lt("lt-dht", self.create(self.noise(MIB + 1, "other.bin")), self.folder / "x", "--dht")
        self.seed_ready(first.addr)
        seed = self.serve("seed", torrent, content, "--dht", "--dht-node", first.addr, "--lsd", "--no-torrent-trackers")
        leech = self.play("leech", torrent, "--dht", "--dht-node", first.addr, "--lsd")
        with self.assertRaises(AssertionError):
            wait_until("it comes", (leech.copy / content.name).exists, 8)
        self.assertEqual(seed.stop(), 0)

    def test_what_is_not_spoken_is_told_by_name(self):
        content = self.noise(MIB)
        torrent = self.create(content, "--tracker", "wss://127.0.0.1:9/announce")
        seed = self.serve("seed", torrent, content)
        self.assertIn("wss://127.0.0.1:9/announce is for browsers' peers (WebRTC)", seed.stderr())
        ip, port = seed.addr.split(":")
        for number in range(3):
            # A public key and padding, as BEP-less MSE begins.
            with socket.create_connection((ip, int(port)), timeout=10) as sock:
                sock.sendall(random.Random(number).randbytes(96 + 100 * number))
                try:
                    self.assertEqual(sock.recv(100), b"")
                except ConnectionResetError:
                    pass  # closed, with bytes of ours that it did not read
        wait_until("it is told", lambda: "wants to hide what it speaks (MSE)" in seed.stderr())
        self.assertEqual(seed.stderr().count("(MSE)"), 1)
        process, code = self.run_node("play", torrent, "--listen", self.ip(), "--tracker",
                                      "wss://127.0.0.1:9/announce")
        self.assertEqual(code, 2, process.stderr())
        self.assertIn("WebRTC", process.stderr())
