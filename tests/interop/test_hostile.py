"""Neighbours that lie, flood and dawdle: each is closed, and the node goes on."""

import socket
import struct
import time

from lab import Lab, get, sha256, wait_until
from wire import Connection, Seed, handshake, info_of, message

KIB = 1024


class Hostile(Lab):
    def content_of(self, size, piece_length):
        self.content = self.noise(size)
        self.torrent = self.create(self.content, "--piece-length", piece_length)

    def leech(self, *arguments):
        """A node that downloads, of `content_of` if that was called."""
        if not hasattr(self, "torrent"):
            self.content_of(2 * 1024 * KIB, "64 KiB")
        self.info_hash, *_ = info_of(self.torrent)
        self.addr = (self.ip(), 6881)
        self.output = self.folder / "copy.bin"
        self.metrics = self.folder / "metrics.jsonl"
        self.leecher = self.node("leech", "play", self.torrent, "--listen", self.addr[0], "--output", self.output,
                                 "--metrics", self.metrics, "--exit-when-complete", "--json", *arguments)
        wait_until("the leech listens", lambda: "peer port" in self.leecher.stderr())

    def seed(self, addr, **how):
        seed = Seed(addr, self.torrent, self.content, **how)
        self.addCleanup(seed.close)
        return seed

    def stranger(self, *says):
        """Connects, says things, and returns the connection."""
        sock = socket.create_connection(self.addr, timeout=5)
        self.addCleanup(sock.close)
        for bytes in says:
            sock.sendall(bytes)
        return Connection(sock)

    def neighbour(self, *says):
        """A stranger that shakes hands first."""
        self.count = getattr(self, "count", 0) + 1
        peer_id = b"-XX0000-%012d" % self.count
        return self.stranger(handshake(self.info_hash, peer_id), *says)

    def reasons(self):
        return [event["reason"] for event in self.events(self.metrics) if event["event"] == "Disconnected"]

    def test_hostile_bytes_are_closed_and_the_rest_goes_on(self):
        self.leech()
        block = struct.pack(">II", 0, 0) + bytes(16 * KIB)
        request, beyond = (struct.pack(">III", 0, begin, 16 * KIB) for begin in [0, 60 * KIB])
        cases = [
            ("garbage for a handshake", self.stranger(b"GET / HTTP/1.1\r\n\r\n"), 3),
            ("another torrent", self.stranger(handshake(bytes(20), b"-XX0000-another12345")), 3),
            ("our own first byte, then garbage", self.stranger(b"\x13BitTorrent protocoX" + bytes(48)), 3),
            ("oversized length", self.neighbour(struct.pack(">IB", 0xffffffff, 20)), 3),
            ("large piece", self.neighbour(struct.pack(">IB", 9 + 17 * KIB, 7)), 3),
            ("unknown message", self.neighbour(message(14), message(77)), 3),
            ("short bitfield", self.neighbour(message(5, b"\xff")), 3),
            ("spare bits", self.neighbour(message(5, b"\xff" * 3 + b"\xff" * 2)), 3),
            ("have beyond the end", self.neighbour(message(4, struct.pack(">I", 1 << 31))), 3),
            ("unrequested piece", self.neighbour(message(14), message(7, block)), 3),
            ("bad extension handshake", self.neighbour(message(20, b"\0d1:md")), 3),
            ("deep extension handshake", self.neighbour(message(20, b"\0" + b"l" * 5000 + b"e" * 5000)), 3),
            ("request beyond a piece", self.neighbour(message(15), message(6, beyond)), 3),
        ]
        for what, connection, seconds in cases:
            self.assertTrue(connection.is_closed(seconds), f"{what} is not closed")
        self.assertTrue(self.leecher.running())
        reasons = wait_until("reasons are told", lambda: len(self.reasons()) >= 10 and self.reasons())
        for word in ["oversized message", "piece longer than a block", "unknown message id", "wrong length"]:
            self.assertTrue(any(word in reason for reason in reasons), f"{word} in {reasons}")
        # What we lack is refused, each time (BEP 6).
        asking = self.neighbour(message(15), message(2), message(6, request) * 1000)
        asking.exactly(68)
        for _ in range(1000):
            while (said := asking.message())[0] != 16:
                pass
            self.assertEqual(said, (16, request))
        # An honest seed that calls later still serves it all.
        self.seed_dials()
        self.assertEqual(self.leecher.wait(30), 0, self.leecher.stderr())
        self.assertEqual(sha256(self.output), sha256(self.content))

    def seed_dials(self):
        self.libtorrent("honest", self.torrent, self.content.parent, "--seed",
                        "--peer", f"{self.addr[0]}:{self.addr[1]}")

    def test_dawdlers_do_not_keep_others_out(self):
        self.leech()
        dawdlers = [self.stranger(b"\x13BitT") for _ in range(70)]
        began = time.monotonic()
        # More strangers than are listened to at once: the honest one need not wait for them.
        self.seed_dials()
        self.assertEqual(self.leecher.wait(30), 0, self.leecher.stderr())
        self.assertLess(time.monotonic() - began, 8)
        self.assertEqual(sha256(self.output), sha256(self.content))
        self.assertTrue(dawdlers[0].is_closed(1))

    def test_a_lying_seed_is_named(self):
        liar = f"{self.ip()}:6881"
        self.content_of(2 * 1024 * KIB, "64 KiB")
        lying = self.seed(liar, spoilt=lambda piece, begin: piece == 3)
        self.leech("--peer", liar)
        wait_until("the lie is found", lambda: "is banned" in self.leecher.stderr())
        self.seed_dials()
        self.assertEqual(self.leecher.wait(40), 0, self.leecher.stderr())
        self.assertEqual(sha256(self.output), sha256(self.content))
        failed = [event for event in self.events(self.metrics) if event["event"] == "PieceFailed"]
        self.assertEqual([(event["piece"], event["culprit"]) for event in failed], [(3, liar)])
        self.assertEqual(lying.connections, 1, "it was dialled again")
        self.assertIn("sent corrupt data", self.reasons())

    def test_a_liar_is_named_though_two_contributed(self):
        liar, honest = f"{self.ip()}:6881", f"{self.ip()}:6881"
        self.content_of(4 * 1024 * KIB, "512 KiB")
        lying = self.seed(liar, spoilt=lambda piece, begin: True, pause=0.004)
        good = self.seed(honest, pause=0.004)
        self.leech("--peer", liar, "--peer", honest)
        self.assertEqual(self.leecher.wait(40), 0, self.leecher.stderr())
        self.assertEqual(sha256(self.output), sha256(self.content))
        self.assertGreater(lying.spoiled, 0)
        failed = [event["culprit"] for event in self.events(self.metrics) if event["event"] == "PieceFailed"]
        self.assertIn(None, failed, "no piece had blocks of both")
        self.assertIn(liar, failed)
        self.assertNotIn(honest, failed)
        self.assertIn(f"{liar} sent it and is banned", self.leecher.stderr())
        self.assertEqual(lying.connections, 1, "it was dialled again")
        self.assertGreater(good.sent, 0)

    def test_http_garbage(self):
        http = f"{self.ip()}:8080"
        self.leech("--http", http)
        wait_until("the player listens", lambda: "media at" in self.leecher.stderr())
        ip, port = http.split(":")
        for garbage in [b"\r\n\r\n", b"GET /\r\n\r\n", b"\xff" * 100 + b"\r\n\r\n", b"A" * 40_000]:
            with socket.create_connection((ip, int(port)), timeout=5) as sock:
                sock.sendall(garbage)
                self.assertTrue(sock.recv(100).startswith(b"HTTP/1.1 400"))
        self.assertEqual(get(http, "/")[0], 200)
        self.assertTrue(self.leecher.running())
