"""The small agreements: names of peers (BEP 20), several trackers (BEP 12), compact lists (BEP 23), scrapes (BEP 48),
who only gives (BEP 21), what private torrents keep to themselves (BEP 27), who asks the distributed table and is not
asked (BEP 43), holes between files (BEP 47)."""

import hashlib
import socket
import struct
import sys
import urllib.parse

import libtorrent
from clients import MIB, Clients, wait_until
from lab import HERE, get, sha256
from wire import Connection, info_of, message

EXTENDED = 20


class Small(Clients):
    def lt(self, name, torrent, save, *arguments):
        addr = f"{self.ip()}:6881"
        process = self.start(name, sys.executable, HERE / "lt_peer.py", "--torrent", torrent, "--save", save,
                             "--listen", addr, "--timeout", 150, *arguments)
        process.addr, process.copy = addr, save
        self.seed_ready(addr)
        return process

    def knock(self, addr, info_hash, number=1):
        """A neighbour that speaks BEP 10: its connection, and the handshakes that it was sent."""
        ip, port = addr.rsplit(":", 1)
        sock = socket.create_connection((ip, int(port)), timeout=20)
        self.addCleanup(sock.close)
        connection = Connection(sock)
        peer_id = b"-XX0000-" + b"%012d" % number
        sock.sendall(b"\x13BitTorrent protocol" + bytes([0] * 5 + [0x10, 0, 4]) + info_hash + peer_id)
        first = connection.exactly(68)
        while True:
            kind, body = connection.message()
            if kind == EXTENDED and body[0] == 0:
                return connection, first, libtorrent.bdecode(body[1:])

    def test_names_of_peers(self):
        content = self.noise(100_000)
        torrent = self.create(content)
        seed = self.serve("seed", torrent, content)
        _, first, _ = self.knock(seed.addr, info_of(torrent)[0])
        self.assertRegex(first[48:], rb"^-SB\d{4}-[0-9A-Za-z]{12}$")
        again = self.serve("again", torrent, content)
        _, other, _ = self.knock(again.addr, info_of(torrent)[0])
        self.assertNotEqual(first[48:], other[48:])

    def test_several_trackers_of_which_one_lives(self):
        content = self.noise(MIB)
        dead, living = f"{self.ip()}:6969", self.tracker()
        torrent = self.create(content, "--private", *[word for url in [
            f"http://{dead}/announce", f"udp://{dead}/announce", living] for word in ["--tracker", url]])
        top = libtorrent.bdecode(torrent.read_bytes())
        self.assertEqual([len(tier) for tier in top[b"announce-list"]], [1, 1, 1])
        theirs = self.lt("lt-seed", torrent, content.parent, "--seed")
        self.known(living, torrent)
        leech = self.play("leech", torrent)
        # One that is silent, who is waited for 14 s over UDP, holds up nobody.
        self.wait_whole(leech, leech.copy / content.name, content, 8)
        # Nor from a link.
        link = self.magnet(torrent, *[f"tr={urllib.parse.quote(url, safe='')}" for url in [
            f"udp://{dead}/announce", living]])
        leech = self.play("link", link)
        self.wait_whole(leech, leech.copy / content.name, content, 8)
        # Tiers of another's making: all are asked, whatever tier they are of.
        top[b"announce-list"] = [[f"http://{dead}/announce".encode(), living.encode()], [b"http://%s/" % dead.encode()]]
        tiers = self.folder / "tiers.torrent"
        tiers.write_bytes(libtorrent.bencode(top))
        leech = self.play("tiers", tiers)
        self.wait_whole(leech, leech.copy / content.name, content, 60)
        self.assertEqual(theirs.stop(), 0)

    def test_lists_and_scrapes(self):
        tracker = self.tracker()
        addr = tracker.removeprefix("http://").split("/")[0]
        draw = hashlib.sha1(b"a swarm").digest()
        peers = [(self.ip(), 7001, 0), (self.ip(), 7002, 5)]

        def announce(ip, port, left, more=""):
            status, _, body = get(addr, f"/announce?info_hash={urllib.parse.quote(draw)}&peer_id={port:020d}"
                                  f"&port={port}&left={left}&ip={ip}{more}")
            self.assertEqual(status, 200)
            return libtorrent.bdecode(body)
        for ip, port, left in peers:
            announce(ip, port, left)
        announce(*peers[0], "&event=completed")
        # To a third: six bytes each (BEP 23), unless it wants names.
        answer = announce(self.ip(), 7003, 9, "&compact=1")
        each = {answer[b"peers"][at:at + 6] for at in range(0, len(answer[b"peers"]), 6)}
        self.assertEqual(each, {socket.inet_aton(ip) + struct.pack(">H", port) for ip, port, _ in peers})
        listed = announce(self.ip(), 7003, 9, "&compact=0")[b"peers"]
        self.assertEqual({(one[b"ip"].decode(), one[b"port"]) for one in listed if one[b"port"] != 7003},
                         {(ip, port) for ip, port, _ in peers})
        # BEP 48, over HTTP; a swarm that nobody knows is left out.
        unknown = urllib.parse.quote(bytes(20))
        scraped = libtorrent.bdecode(get(addr, f"/scrape?info_hash={urllib.parse.quote(draw)}&info_hash={unknown}")[2])
        self.assertEqual(set(scraped[b"files"]), {draw})
        numbers = scraped[b"files"][draw]
        self.assertEqual((numbers[b"complete"], numbers[b"downloaded"]), (1, 1))
        self.assertGreaterEqual(numbers[b"incomplete"], 2)
        # And over UDP (BEP 15).
        ip, port = addr.split(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(10)
            sock.connect((ip, int(port)))
            sock.send(struct.pack(">QII", 0x41727101980, 0, 7))
            action, transaction, connection = struct.unpack(">IIQ", sock.recv(100))
            self.assertEqual((action, transaction), (0, 7))
            sock.send(struct.pack(">QII", connection, 2, 8) + draw + bytes(20))
            answer = struct.unpack(">II6I", sock.recv(100))
            self.assertEqual(answer, (2, 8, 1, 1, numbers[b"incomplete"], 0, 0, 0))

    def test_who_only_gives(self):
        folder = self.folder / "content" / "two"
        folder.mkdir(parents=True)
        for name in ["a.bin", "b.bin"]:
            (folder / name).write_bytes(self.noise(MIB + len(name), f"{name}.noise").read_bytes())
        torrent = self.create(folder, "--piece-length", "32 KiB")
        info_hash = libtorrent.torrent_info(str(torrent)).info_hash().to_bytes()
        seed = self.serve("seed", torrent, folder)
        _, _, said = self.knock(seed.addr, info_hash)
        self.assertEqual(said[b"upload_only"], 1)
        # libtorrent wants the first file alone, has it, and says that it wants no more.
        part = self.lt("lt-part", torrent, self.folder / "part", "--only", 0, "--stay", "--peer", seed.addr)
        self.wait_whole(part, part.copy / "two" / "a.bin", folder / "a.bin", 60)
        # We get from it what it has, and keep it: something may come yet.
        leech = self.play("leech", torrent, "--peer", part.addr, "--metrics", self.folder / "leech.jsonl")
        self.wait_whole(leech, leech.copy / "two" / "a.bin", folder / "a.bin", 60)
        _, _, said = self.knock(f"{leech.child.args[leech.child.args.index('--listen') + 1]}:6881", info_hash)
        self.assertNotIn(b"upload_only", said)
        gone = [event for event in self.events(self.folder / "leech.jsonl") if event["event"] == "Disconnected"]
        self.assertNotIn("complete", str(gone))
        # Of two who only give, one parts.
        other = self.serve("other", torrent, folder, "--peer", part.addr, "--metrics", self.folder / "other.jsonl")
        wait_until("they part", lambda: any(
            event["event"] == "Disconnected" and event["reason"] == "both sides are complete"
            for event in self.events(self.folder / "other.jsonl")))
        self.assertEqual(other.stop(), 0)

    def test_private_torrents_exchange_no_peers(self):
        content = self.noise(MIB)
        trap = socket.create_server((self.ip(), 0))
        self.addCleanup(trap.close)
        for private in [False, True]:
            torrent = self.create(content, "--force", *(["--private"] if private else []))
            # It lacks everything, and would dial.
            leech = self.play(f"leech-{private}", torrent)
            wait_until("it listens", lambda: "peer port" in leech.stderr())
            addr = f"{leech.child.args[leech.child.args.index('--listen') + 1]}:6881"
            connection, _, said = self.knock(addr, info_of(torrent)[0])
            number = said[b"m"].get(b"ut_pex")
            self.assertEqual(number is None, private)
            ip, port = trap.getsockname()
            added = socket.inet_aton(ip) + struct.pack(">H", port)
            pex = libtorrent.bencode({b"added": added, b"added.f": b"\0"})
            connection.sock.sendall(message(EXTENDED, b"\0" + libtorrent.bencode({b"m": {b"ut_pex": 1}}))
                                    # By the number that it would have, where it has none.
                                    + message(EXTENDED, bytes([number or self.number]) + pex))
            self.number = number
            trap.settimeout(5)
            if private:
                self.assertRaises(TimeoutError, trap.accept)
            else:
                trap.accept()[0].close()
            self.assertEqual(leech.stop(), 0)

    def test_the_distributed_table_is_asked_only(self):
        content = self.noise(100_000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as node:
            node.bind((self.ip(), 0))
            node.settimeout(20)
            self.serve("seed", self.create(content), content, "--dht", "--dht-node", "%s:%d" % node.getsockname())
            query = libtorrent.bdecode(node.recv(2048))
        self.assertEqual((query[b"y"], query[b"ro"]), (b"q", 1))

    def test_holes_between_files(self):
        # As libtorrent makes them: every file begins a piece.
        folder = self.folder / "content" / "album"
        folder.mkdir(parents=True)
        sizes = {"1.bin": 100_000, "2.bin": 40_000, "3.bin": MIB}
        storage = libtorrent.file_storage()
        for name, size in sizes.items():
            (folder / name).write_bytes(self.noise(size, f"{name}.noise").read_bytes())
            storage.add_file(f"album/{name}", size)
        maker = libtorrent.create_torrent(storage, 64 * 1024, libtorrent.create_torrent.v1_only
                                          | libtorrent.create_torrent.canonical_files)
        libtorrent.set_piece_hashes(maker, str(folder.parent))
        torrent = self.folder / "album.torrent"
        torrent.write_bytes(libtorrent.bencode(maker.generate()))
        info = libtorrent.bdecode(torrent.read_bytes())[b"info"]
        self.assertEqual(sum(b"p" in one.get(b"attr", b"") for one in info[b"files"]), 2)

        def whole(copy):
            return lambda: all((copy / "album" / name).exists() and sha256(copy / "album" / name) == sha256(
                folder / name) for name in sizes)
        theirs = self.lt("lt-seed", torrent, folder.parent, "--seed")
        ours = self.play("leech", torrent, "--peer", theirs.addr)
        wait_until("we have the files", whole(ours.copy), 60)
        # The holes are no files, and take no room.
        self.assertEqual({path.name for path in ours.copy.rglob("*") if path.is_file()}, set(sizes))
        self.assertEqual(theirs.stop(), 0)
        addr = f"{ours.child.args[ours.child.args.index('--listen') + 1]}:6881"
        copy = self.folder / "lt-copy"
        self.lt("lt-leech", torrent, copy, "--stay", "--peer", addr)
        wait_until("it has the files", whole(copy), 60)
        # Who does not know of holes asks for them, and is sent zeros.
        info_hash = libtorrent.torrent_info(str(torrent)).info_hash().to_bytes()
        connection, _, _ = self.knock(addr, info_hash)
        connection.sock.sendall(message(15) + message(2))
        # The last block of the second piece is all hole.
        block = struct.pack(">III", 1, 48 * 1024, 16 * 1024)
        asked = False
        while True:
            kind, body = connection.message()
            if kind == 1 and not asked:
                asked = True
                connection.sock.sendall(message(6, block))
            if kind == 7:
                self.assertEqual(body, block[:8] + bytes(16 * 1024))
                break
