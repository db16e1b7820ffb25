"""Torrents that are known by their names alone (BEP 9), from real clients, to them, and from liars."""

import hashlib
import socket
import struct
import threading

from clients import MIB, Clients, wait_until
from lab import sha256
from wire import Connection, handshake, info_of, message

PIECE = 16 * 1024
EXTENDED = bytes([0] * 5 + [0x10, 0, 4])


class MetadataSeed(threading.Thread):
    """A neighbour that speaks nothing but ut_metadata, and tells what `lie` makes of the truth."""

    def __init__(self, addr, info_hash, hello, answer):
        super().__init__(daemon=True)
        self.info_hash, self.hello, self.answer = info_hash, hello, answer
        self.connections, self.asked = 0, []
        ip, port = addr.rsplit(":", 1)
        self.listener = socket.create_server((ip, int(port)))
        self.peer_id = b"-XX0000-" + hashlib.sha1(addr.encode()).hexdigest()[:12].encode()
        self.start()

    def run(self):
        while True:
            sock, _ = self.listener.accept()
            self.connections += 1
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        connection = Connection(sock)
        try:
            connection.exactly(68)
            hello = handshake(self.info_hash, self.peer_id)
            sock.sendall(hello[:20] + EXTENDED + hello[28:])
            # A bitfield of a length that nobody can check yet, then BEP 10's handshake.
            sock.sendall(message(5, b"\xff\xff") + message(20, b"\0" + self.hello))
            while True:
                id, body = connection.message()
                if id == 20 and body[0] == 3:
                    piece = int(body.split(b"5:piecei")[1].split(b"e")[0])
                    self.asked.append(piece)
                    for said in self.answer(piece):
                        sock.sendall(message(20, bytes([self.ours(body)]) + said))
        except (OSError, IndexError, ValueError):
            pass

    def ours(self, _body):
        # The id that swarmbed says it reads `ut_metadata` under.
        return 16


def hello(size):
    return b"d1:md11:ut_metadatai3ee13:metadata_sizei%dee" % size


def data(piece, size, payload):
    return b"d8:msg_typei1e5:piecei%de10:total_sizei%dee" % (piece, size) + payload


class Magnets(Clients):
    def whole_torrent(self, size=4 * MIB, *arguments):
        content = self.noise(size)
        return content, self.create(content, "--piece-length", "16 KiB", *arguments)

    def test_we_start_from_a_link_and_clients_start_from_ours(self):
        # 1,024 pieces: their hashes are two pieces of metadata.
        tracker, size, ours = self.tracker(), 16 * MIB - 100, []
        # It is they who have it, each a torrent of its own: no tracker, but a peer in the link.
        for number, kind in enumerate(self.installed()):
            content = self.noise(size + number, f"{kind}.bin")
            torrent = self.create(content, "--tracker", tracker, "--piece-length", "16 KiB")
            theirs = self.client(kind, f"{kind}-seed", torrent, content.parent, seed=True)
            self.seed_ready(theirs.addr)
            link = self.magnet(torrent, "dn=A%20name", f"x.pe={theirs.addr}")
            ours.append((kind, content, self.play(f"from-{kind}", link, "--exit-when-complete")))
        for kind, content, process in ours:
            with self.subTest(f"from {kind}"):
                self.assertEqual(process.wait(90), 0, process.stderr())
                self.assertIn(f"found {content.name}: 1024 pieces", process.stderr())
                self.assertEqual(sha256(process.copy / content.name), sha256(content))
                print(f"    {kind}: we start from a link: ok", flush=True)
        # It is we who have it: the link that the seed prints, with a tracker.
        content = self.noise(size - 1)
        torrent = self.create(content, "--tracker", tracker, "--piece-length", "16 KiB")
        seed = self.serve("seed", torrent, content)
        self.assertIn("&dn=content.bin&tr=http", seed.magnet)
        self.known(tracker, torrent)
        copies = []
        for kind in self.installed():
            save = self.folder / f"{kind}-copy"
            copies.append((self.client(kind, f"{kind}-leech", seed.magnet, save), save / content.name))
        for process, copy in copies:
            with self.subTest(process.name):
                took = self.wait_whole(process, copy, content)
                print(f"    {process.name}: from our link: ok, {took:.1f} s after the one before", flush=True)
        self.tell_skipped()

    def test_swarmbed_from_swarmbed_by_tracker_while_it_seeds_a_link(self):
        content, torrent = self.whole_torrent()
        tracker = self.tracker()
        seed = self.serve("seed", torrent, content, "--tracker", tracker)
        first = self.play("first", seed.magnet)
        self.wait_whole(first, first.copy / content.name, content)
        seed.kill()
        # One who came by a link passes the torrent on; `seed` takes a link, too.
        second = self.play("second", seed.magnet, "--exit-when-complete")
        self.assertEqual(second.wait(60), 0, second.stderr())
        self.assertEqual(sha256(second.copy / content.name), sha256(content))
        third = self.node("third", "seed", seed.magnet, "--dir", second.copy, "--listen", self.ip(), "--tracker",
                          tracker)
        wait_until("it seeds", lambda: "peer port" in third.stderr() or not third.running())
        self.assertTrue(third.running(), third.stderr())

    def test_liars_send_no_torrent(self):
        content, torrent = self.whole_torrent()
        info_hash, *_ = info_of(torrent)
        raw = torrent.read_bytes()
        info = raw[raw.index(b"4:infod") + 6:]
        info = info[:self.end_of(info)]
        self.assertEqual(hashlib.sha1(info).digest(), info_hash)
        size = len(info)

        def piece_of(info, piece):
            return info[piece * PIECE:(piece + 1) * PIECE]
        wrong = bytes([info[0]]) + bytes(size - 2) + b"e"
        liars = {
            "huge": (hello(1 << 31), lambda piece: []),
            "empty": (hello(0), lambda piece: []),
            "wrong": (hello(size), lambda piece: [data(piece, size, piece_of(wrong, piece))]),
            "another size": (hello(size), lambda piece: [data(piece, size + 1, piece_of(info, piece))]),
            "another piece": (hello(size), lambda piece: [data(piece + 1, size, piece_of(info, piece))]),
            "too short": (hello(size), lambda piece: [data(piece, size, piece_of(info, piece)[:-1])]),
            "garbage": (hello(size), lambda piece: [b"i5e"]),
            "more than a piece": (hello(size), lambda piece: [data(piece, size, bytes(PIECE + 1))]),
            "rejects": (hello(size), lambda piece: [b"d8:msg_typei2e5:piecei%dee" % piece]),
            "without": (b"de", lambda piece: []),
            # It says nothing, and keeps a place for as long as its patience is.
            "silent": (hello(size), lambda piece: []),
            # What is not known yet is passed over; what follows it is right.
            "honest": (hello(size), lambda piece: [b"d8:msg_typei9e5:piecei0ee",
                                                   data(piece, size, piece_of(info, piece))]),
        }
        seeds, addrs = {}, {}
        for name, (said, answer) in liars.items():
            addrs[name] = f"{self.ip()}:6881"
            seeds[name] = MetadataSeed(addrs[name], info_hash, said, answer)
        # Each liar alone, and the honest one that answers last: the order of asking is not ours to say.
        peers = [f"x.pe={addr}" for name, addr in addrs.items() if name != "honest"]
        process = self.play("play", self.magnet(torrent, *peers))
        told = {"huge": "2147483648 bytes", "empty": "0 bytes", "wrong": "not the one of the link",
                "another size": "of another torrent", "another piece": "of another torrent",
                "too short": "of another torrent", "garbage": "malformed: ut_metadata",
                "more than a piece": "malformed: ", "rejects": "refuses", "without": "does not send"}
        for name, words in told.items():
            wait_until(f"{name}: {words}", lambda: any(line.startswith(addrs[name]) and words in line for line in
                                                       process.stderr().splitlines()), 40)
        self.assertTrue(process.running(), process.stderr())
        self.assertEqual(process.stop(), 1)
        self.assertIn("no peer has sent the torrent", process.stderr())
        # Those who lied are not asked again.
        for name in ["huge", "wrong", "another size", "garbage"]:
            self.assertEqual(seeds[name].connections, 1, name)
        process = self.play("again", self.magnet(torrent, f"x.pe={addrs['honest']}", *peers))
        wait_until("the honest one is found", lambda: "found content.bin" in process.stderr(), 60)

    def end_of(self, data, at=0):
        if data[at:at + 1] == b"i":
            return data.index(b"e", at) + 1
        if data[at:at + 1] in (b"l", b"d"):
            at += 1
            while data[at:at + 1] != b"e":
                at = self.end_of(data, at)
            return at + 1
        colon = data.index(b":", at)
        return colon + 1 + int(data[at:colon])

    def test_what_is_no_link_and_what_is_not_found_are_told(self):
        for link, word in [("magnet:?dn=x", "no xt="), ("magnet:?xt=urn:btmh:1220aa", "version 2"),
                           ("magnet:?xt=urn:btih:12", "40 hexadecimal digits")]:
            process, code = self.run_node("play", link)
            self.assertEqual(code, 2, process.stderr())
            self.assertIn(word, process.stderr())
            self.assertIn("help: ", process.stderr())

    def test_requests_for_metadata_are_bounded(self):
        content, torrent = self.whole_torrent()
        seed = self.serve("seed", torrent, content)
        ip, port = seed.addr.split(":")
        sock = socket.create_connection((ip, int(port)), timeout=10)
        self.addCleanup(sock.close)
        hello = handshake(info_of(torrent)[0], b"-XX0000-metadatahunt")
        sock.sendall(hello[:20] + EXTENDED + hello[28:] + message(20, b"\0d1:md11:ut_metadatai7eee"))
        connection, answers, refusals = Connection(sock), 0, 0
        connection.exactly(68)
        flood = message(20, b"\x10d8:msg_typei0e5:piecei0ee") * 100
        with self.assertRaises(OSError):
            for _ in range(20):
                sock.sendall(flood)
                for _ in range(100):
                    while True:
                        id, body = connection.message()
                        if id == 20 and body[0] == 7:
                            break
                    answers += b"msg_typei1e" in body
                    refusals += b"msg_typei2e" in body
        pieces = -(-struct.unpack(">Q", (content.stat().st_size // PIECE * 20 + 100).to_bytes(8, "big"))[0] // PIECE)
        self.assertEqual(answers, 2 * pieces)
        self.assertGreater(refusals, 500)
        self.assertTrue(seed.running())
        wait_until("it is told", lambda: "flooding: requests for metadata" in seed.stderr())
