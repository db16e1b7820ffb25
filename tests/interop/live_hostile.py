"""Neighbours in a live swarm that pollute, replay, flood and talk nonsense: each is named and let
go, and nobody else notices."""

import random
import socket
import struct
import time

from live_lab import BITRATE, LiveLab, wait_until
from live_wire import (BLOCK, EXTENDED, HAVE_NONE, REQUEST, Liar, LivePeer, Spy, extension_handshake, handshake, have,
                       window)
from wire import Connection, info_of, message

PIECE = 64 * 1024


class Hostile(LiveLab):
    def on_air(self, *arguments):
        pictures = self.pictures()
        self.source = self.broadcast("source", "--source", "-", "--bitrate", BITRATE, "--piece-length", "64 KiB",
                                     *arguments, stdin=pictures.stdout)
        self.info_hash, *_ = info_of(self.source.tstream)

    def reasons(self, process):
        return [event["reason"] for event in self.of(process, "Disconnected")]

    def test_polluters_and_replayers_disturb_nobody(self):
        self.on_air()
        viewers = [self.viewer(name, self.source) for name in ["one", "two"]]
        one, two = viewers
        for viewer in viewers:
            wait_until("it plays", lambda viewer=viewer: self.names(viewer)["Started"], 30)
        decoders = [self.decode(viewer, 20) for viewer in viewers]
        noise = random.Random(1).randbytes(PIECE)
        polluter, replayer = self.ip(), self.ip()
        spy = Spy(replayer, self.source.addr, self.info_hash, PIECE)
        wait_until("the replayer has pieces of the source", lambda: len(spy.pieces) >= 3)
        replayed = {}

        def old_piece(asked):
            piece = max(spy.pieces)
            replayed[asked] = piece
            return spy.pieces[piece] if piece != asked else None

        liars = [Liar(polluter, viewer.addr, self.info_hash, lambda piece: noise) for viewer in viewers]
        liars += [Liar(replayer, viewer.addr, self.info_hash, old_piece) for viewer in viewers]
        for liar in liars:
            wait_until("the liar is let go", lambda liar=liar: liar.closed)
            self.assertGreater(liar.sent, 0)
        for viewer in viewers:
            # Named, by address and by what was wrong; and banned, for it may not come again.
            # A piece that two had a part in names nobody until it has been fetched again.
            named = lambda: {
                event["culprit"].rsplit(":")[0]
                for event in self.of(viewer, "PieceFailed")
                if event["culprit"]
            }
            wait_until("both are named", lambda: len(named()) == 2)
            self.assertEqual(named(), {polluter, replayer})
            failed = self.of(viewer, "PieceFailed")
            # A liar may have several pieces under way when it is found out.
            self.assertLessEqual(len(failed), 2 * Liar.AHEAD, failed)
            told = viewer.stderr()
            self.assertIn("the signature is not the source's", told)
            self.assertRegex(told, r"piece \d+ was sent in its place")
            self.assertIn(f"{polluter}:", told)
            self.assertGreaterEqual(self.reasons(viewer).count("sent corrupt data"), 2)
            sock = socket.create_connection((viewer.ip, 6881), timeout=5, source_address=(polluter, 0))
            self.addCleanup(sock.close)
            sock.sendall(handshake(self.info_hash, b"-XX0000-comes-again1"))
            self.assertTrue(Connection(sock).is_closed(3), "the polluter was let in again")
        for decoder in decoders:
            self.check_decoded(decoder, 60)
        for viewer in viewers:
            names = self.names(viewer)
            for bad in ["Skipped", "Rehooked", "Stalled"]:
                self.assertEqual(names[bad], 0, f"{viewer.name}: {names}")
            self.assertEqual(viewer.stop(), 0)
            self.assertGreater(viewer.json()["corrupt"], 0)
            self.assertEqual(viewer.json()["skipped_s"], 0)

    def test_what_no_live_neighbour_says_closes(self):
        self.on_air()
        viewer = self.viewer("viewer", self.source)
        wait_until("it has pieces", lambda: self.newest(viewer) >= 0, 30)
        block = struct.pack(">III", 1 << 31, 0, BLOCK)

        def old(*says):
            """A neighbour that speaks BEP 6 and nothing of ours."""
            sock = socket.create_connection((viewer.ip, 6881), timeout=5, source_address=(self.ip(), 0))
            self.addCleanup(sock.close)
            sock.sendall(b"".join(says))
            return Connection(sock)

        def live(*says):
            peer = LivePeer(self.ip(), viewer.addr, self.info_hash)
            self.addCleanup(peer.close)
            peer.greet()
            for one in says:
                try:
                    peer.send(one(peer) if callable(one) else one)
                except OSError:
                    break  # closed already
            return peer.connection

        no_live = LivePeer(self.ip(), viewer.addr, self.info_hash)
        no_live.send(message(HAVE_NONE), extension_handshake(live=False))
        early = LivePeer(self.ip(), viewer.addr, self.info_hash)
        early.send(message(HAVE_NONE), have(5))
        plain = b"\x13BitTorrent protocol" + bytes([0] * 7 + [4]) + self.info_hash + b"-XX0000-no-extension"
        cases = {
            "does not speak what a live swarm needs": old(plain),
            "does not speak the live extension": no_live.connection,
            "before the extension handshake": early.connection,
            "a bitfield in a live swarm": live(message(14)),
            "a short window": live(lambda peer: window(peer.their_id, 0, 64, bits=b"\xff")),
            "a window that ends before it begins": live(lambda peer: window(peer.their_id, 9, 8, bits=b"")),
            "an endless window": live(lambda peer: window(peer.their_id, 0, 1 << 30, bits=b"\xff")),
            "spare bits": live(lambda peer: window(peer.their_id, 0, 4, bits=b"\xff")),
            "unknown flags": live(lambda peer: window(peer.their_id, 0, 8, answer=2)),
            "a piece number beyond the stream's": live(have(1 << 31)),
            "a request beyond the stream's": live(message(REQUEST, block)),
            "an unasked piece": live(message(7, struct.pack(">II", 3, 0) + bytes(BLOCK))),
            "a flood of HAVEs": live(have(7) * 3000),
            "a flood of far HAVEs": live(*[have(1_000_000 + at) for at in range(3000)]),
            "a flood of windows": live(lambda peer: window(peer.their_id, 0, 8, answer=1) * 100),
            "a giant message": live(struct.pack(">IB", 0x7fffffff, EXTENDED)),
        }
        for what, connection in cases.items():
            self.assertTrue(connection.is_closed(5), f"{what} does not close")
        # The source knows what it has made.
        boaster = LivePeer(self.ip(), self.source.addr, self.info_hash)
        boaster.greet()
        boaster.send(have(boaster.head + 100))
        self.assertTrue(boaster.connection.is_closed(5), "a piece that was not made yet does not close")
        wait_until("it is told", lambda: "flooding: live announcements" in viewer.stderr())
        for word in ["does not speak the live extension", "whose windows have a message", "beyond the stream's",
                     "sw_live_window", "flooding"]:
            wait_until(word, lambda word=word: any(word in reason for reason in self.reasons(viewer)), 5)
        # Nothing of it disturbed the viewer.
        newest = self.newest(viewer)
        wait_until("it goes on", lambda: self.newest(viewer) > newest)
        names = self.names(viewer)
        self.assertEqual((names["Skipped"], names["Rehooked"]), (0, 0), names)

    def test_a_request_for_what_has_gone_is_refused(self):
        """Of a window of some 12 pieces, a neighbour asks for the first, while it is given the last."""
        self.on_air("--window", "0:06")
        peer = LivePeer(self.ip(), self.source.addr, self.info_hash)
        peer.greet()
        peer.send(window(peer.their_id, peer.head, peer.head), message(2))
        deadline = time.monotonic() + 30
        unchoked = False
        while peer.head < 20 or not unchoked:
            self.assertLess(time.monotonic(), deadline)
            id, body = peer.connection.message()
            peer.note(id, body)
            unchoked = id == 1 or unchoked and id != 0
        answers = {}
        for piece in [0, peer.head - 1]:
            request = struct.pack(">III", piece, 0, BLOCK)
            peer.send(message(REQUEST, request))
            while piece not in answers:
                self.assertLess(time.monotonic(), deadline)
                id, body = peer.connection.message()
                if id in (7, 16) and struct.unpack(">I", body[:4])[0] == piece:
                    answers[piece] = id
        self.assertEqual(list(answers.values()), [16, 7])
