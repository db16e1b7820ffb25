"""As much of the live protocol as neighbours need that misbehave."""

import re
import socket
import struct
import threading

from wire import Connection, message

BLOCK = 16 * 1024
WINDOW_ID = 13  # ours; the node's is in its handshake
HAVE, REQUEST, PIECE, HAVE_NONE, EXTENDED = 4, 6, 7, 15, 20


def handshake(info_hash, peer_id):
    # BEP 10 and BEP 6: a live swarm asks for both.
    return b"\x13BitTorrent protocol" + bytes([0, 0, 0, 0, 0, 0x10, 0, 4]) + info_hash + peer_id


def extension_handshake(port=6881, live=True):
    offered = b"14:sw_live_windowi%de" % WINDOW_ID if live else b""
    return message(EXTENDED, b"\0d1:md%se1:pi%dee" % (offered, port))


def window(id, tail, head, answer=0, bits=None):
    """Of pieces tail..head; all of them, unless `bits` says otherwise."""
    if bits is None:
        whole, rest = divmod(head - tail, 8)
        bits = b"\xff" * whole + (bytes([0xff << (8 - rest) & 0xff]) if rest else b"")
    return message(EXTENDED, bytes([id, answer]) + struct.pack(">II", tail, head) + bits)


def have(piece):
    return message(HAVE, struct.pack(">I", piece))


class LivePeer:
    """A neighbour in a live swarm that has shaken hands both ways. Calls from an address of its own."""

    count = 0

    def __init__(self, ip, to, info_hash):
        LivePeer.count += 1
        peer_id = b"-XX0000-%012d" % LivePeer.count
        host, port = to.rsplit(":", 1)
        sock = socket.create_connection((host, int(port)), timeout=10, source_address=(ip, 0))
        self.connection = Connection(sock)
        self.send(handshake(info_hash, peer_id))
        self.connection.exactly(68)
        self.lock = threading.Lock()
        self.head, self.tail, self.their_id = 0, 0, None

    def send(self, *messages):
        self.connection.sock.sendall(b"".join(messages))

    def greet(self):
        """Says what a live neighbour says, and hears it; where the node stands is in `tail`, `head`."""
        self.send(message(HAVE_NONE), extension_handshake())
        while self.their_id is None or not self.head:
            self.note(*self.connection.message())

    def note(self, id, body):
        """Remembers what the node says of itself."""
        if id == EXTENDED and body[0] == 0:
            found = re.search(rb"14:sw_live_windowi(\d+)e", body)
            self.their_id = int(found.group(1))
        elif id == EXTENDED and body[0] == WINDOW_ID:
            self.tail, self.head = struct.unpack(">II", body[2:10])
        elif id == HAVE:
            self.head = max(self.head, struct.unpack(">I", body)[0] + 1)

    def close(self):
        self.connection.sock.close()


class Liar(threading.Thread):
    """Says that it has pieces that nobody has yet, and answers requests with `data_of(piece)`."""

    AHEAD = 6

    def __init__(self, ip, to, info_hash, data_of):
        super().__init__(daemon=True)
        self.peer = LivePeer(ip, to, info_hash)
        self.data_of, self.sent, self.closed = data_of, 0, False
        self.start()

    def run(self):
        peer = self.peer
        try:
            peer.greet()
            told = peer.head
            peer.send(window(peer.their_id, max(0, told - 4), told), message(1))
            while True:
                for piece in range(told, peer.head + self.AHEAD):
                    peer.send(have(piece))
                    told = piece + 1
                id, body = peer.connection.message()
                peer.note(id, body)
                if id == REQUEST:
                    piece, begin, length = struct.unpack(">III", body)
                    data = self.data_of(piece)
                    if data is not None:
                        peer.send(message(PIECE, body[:8] + data[begin:begin + length]))
                        self.sent += 1
        except OSError:
            self.closed = True


class Spy(threading.Thread):
    """Downloads the newest pieces from the source, whole and rightly signed."""

    def __init__(self, ip, to, info_hash, piece_length):
        super().__init__(daemon=True)
        self.peer, self.length = LivePeer(ip, to, info_hash), piece_length
        self.pieces = {}
        self.start()

    def run(self):
        peer, parts, asked = self.peer, {}, set()
        unchoked = False
        try:
            peer.greet()
            peer.send(window(peer.their_id, peer.head, peer.head), message(2))
            while True:
                id, body = peer.connection.message()
                peer.note(id, body)
                unchoked = id == 1 or unchoked and id != 0
                if id == PIECE:
                    piece, begin = struct.unpack(">II", body[:8])
                    parts.setdefault(piece, {})[begin] = body[8:]
                    if len(parts[piece]) == self.length // BLOCK:
                        whole = parts.pop(piece)
                        self.pieces[piece] = b"".join(whole[at] for at in sorted(whole))
                newest = peer.head - 1
                if unchoked and newest >= 0 and newest not in asked:
                    asked.add(newest)
                    for begin in range(0, self.length, BLOCK):
                        peer.send(message(REQUEST, struct.pack(">III", newest, begin, BLOCK)))
        except OSError:
            pass
