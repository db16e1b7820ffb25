"""A few lines of BitTorrent for neighbours that misbehave."""

import hashlib
import socket
import struct
import threading
import time


def info_of(torrent):
    """The info-hash, piece length and total length of a single-file torrent."""
    data = torrent.read_bytes()
    start = data.index(b"4:infod") + 6

    def skip(at):
        if data[at:at + 1] == b"i":
            return data.index(b"e", at) + 1
        if data[at:at + 1] in (b"l", b"d"):
            at += 1
            while data[at:at + 1] != b"e":
                at = skip(at)
            return at + 1
        colon = data.index(b":", at)
        return colon + 1 + int(data[at:colon])
    info = data[start:skip(start)]

    def number(key):
        at = info.index(key) + len(key)
        return int(info[at:info.index(b"e", at)])
    return hashlib.sha1(info).digest(), number(b"12:piece lengthi"), number(b"6:lengthi")


def handshake(info_hash, peer_id):
    # BEP 6 (fast), and nothing else.
    return b"\x13BitTorrent protocol" + bytes([0] * 7 + [4]) + info_hash + peer_id


def message(id, body=b""):
    return struct.pack(">IB", 1 + len(body), id) + body


class Connection:
    """A socket that reads whole messages."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(20)
        self.held = b""

    def exactly(self, count):
        while len(self.held) < count:
            more = self.sock.recv(65536)
            if not more:
                raise ConnectionError("closed")
            self.held += more
        taken, self.held = self.held[:count], self.held[count:]
        return taken

    def message(self):
        """Id and body; keep-alives are passed over."""
        while True:
            length = struct.unpack(">I", self.exactly(4))[0]
            if length:
                body = self.exactly(length)
                return body[0], body[1:]

    def is_closed(self, seconds):
        """Whether the other side closes within this time, whatever it says before."""
        self.sock.settimeout(seconds)
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                if not self.sock.recv(65536):
                    return True
        except TimeoutError:
            return False
        except OSError:
            return True
        return False


class Seed(threading.Thread):
    """Listens, has everything, and answers requests; some blocks are spoilt on purpose."""

    def __init__(self, addr, torrent, content, spoilt=lambda piece, begin: False, pause=0.0):
        super().__init__(daemon=True)
        self.info_hash, self.piece_length, _ = info_of(torrent)
        self.content, self.spoilt, self.pause = content.read_bytes(), spoilt, pause
        self.sent, self.spoiled, self.connections = 0, 0, 0
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
            sock.sendall(handshake(self.info_hash, self.peer_id) + message(14) + message(1))
            while True:
                id, body = connection.message()
                if id == 6:
                    piece, begin, length = struct.unpack(">III", body)
                    at = piece * self.piece_length + begin
                    data = self.content[at:at + length]
                    if self.spoilt(piece, begin):
                        data = bytes([data[0] ^ 0xff]) + data[1:]
                        self.spoiled += 1
                    if self.pause:
                        time.sleep(self.pause)
                    sock.sendall(message(7, body[:8] + data))
                    self.sent += 1
        except OSError:
            pass

    def close(self):
        self.listener.close()
