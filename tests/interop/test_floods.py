"""Floods and nonsense from neighbours and trackers: memory stays bounded, others are unaffected, each is told once."""

import contextlib
import pathlib
import socket
import struct
import threading
import time

from lab import Lab, sha256, wait_until
from wire import Connection, handshake, info_of, message

MIB = 1024 * 1024
EXTENDED = bytes([0] * 5 + [0x10, 0, 4])


def memory(process):
    """Bytes that it holds in memory now."""
    for line in pathlib.Path(f"/proc/{process.child.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"{process.name} is gone")


class Server(threading.Thread):
    """Answers every connection with the same bytes; `None` never answers."""

    def __init__(self, addr, answer, again=False):
        super().__init__(daemon=True)
        self.answer, self.again, self.count = answer, again, 0
        ip, port = addr.split(":")
        self.listener = socket.create_server((ip, int(port)))
        self.start()

    def run(self):
        while True:
            sock, _ = self.listener.accept()
            self.count += 1
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        try:
            sock.recv(4096)
            if self.answer is None:
                time.sleep(60)
            while self.answer:
                sock.sendall(self.answer)
                if not self.again:
                    break
            sock.close()
        except OSError:
            pass


class Floods(Lab):
    def leech(self, torrent, *arguments):
        self.addr = (self.ip(), 6881)
        self.output = self.folder / "copy.bin"
        leech = self.node("leech", "play", torrent, "--listen", self.addr[0], "--output", self.output, "--json",
                          "--exit-when-complete", *arguments)
        wait_until("the leech listens", lambda: "peer port" in leech.stderr() or not leech.running())
        return leech

    def test_trackers_that_answer_nonsense_or_hang(self):
        content = self.noise(6 * MIB)
        answers = {
            "garbage": (b"HTTP/1.1 200 OK\r\n\r\nnot bencoded", "is not bencoded"),
            "no HTTP": (b"\x00\xff" * 100, "is not HTTP"),
            "deep": (b"HTTP/1.1 200 OK\r\n\r\n" + b"l" * 100_000, "is not bencoded"),
            "refusal": (b"HTTP/1.1 200 OK\r\n\r\nd14:failure reason10:go\x1b[2Jawaye", "refuses: go[2Jaway"),
            "nowhere": (b"HTTP/1.1 302 Found\r\nLocation: gopher://x/\r\n\r\n", "redirects to"),
            "hangs": (None, "no answer within 10 s"),
        }
        servers, urls = {}, []
        for name, (answer, _) in answers.items():
            addr = f"{self.ip()}:7000"
            servers[name] = Server(addr, answer)
            urls.append(f"http://{addr}/announce")
        # One that never ends, and one that speaks UDP of no kind.
        addr = f"{self.ip()}:7000"
        servers["endless"] = Server(addr, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * MIB, again=True)
        urls.append(f"http://{addr}/announce")
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(udp.close)
        ip = self.ip()
        udp.bind((ip, 7000))

        def babble():
            try:
                while True:
                    _, peer = udp.recvfrom(4096)
                    for _ in range(100):
                        udp.sendto(b"\xff" * 1400, peer)
            except OSError:
                pass
        threading.Thread(target=babble, daemon=True).start()
        urls.append(f"udp://{ip}:7000/announce")
        torrent = self.create(content)
        seed = self.libtorrent("seed", torrent, content.parent, "--seed", "--up", 400_000)
        self.seed_ready(seed)
        leech = self.leech(torrent, "--peer", seed, *(word for url in urls for word in ["--tracker", url]))
        most, until = 0, time.monotonic() + 60
        while leech.running() and time.monotonic() < until:
            try:
                most = max(most, memory(leech))
            except (AssertionError, FileNotFoundError, ProcessLookupError):
                break
            time.sleep(0.1)
        self.assertEqual(leech.wait(5), 0, leech.stderr())
        self.assertEqual(sha256(self.output), sha256(content))
        self.assertLess(most, 96 * MIB)
        warnings = [line for line in leech.stderr().splitlines() if line.startswith("warning: tracker")]
        self.assertEqual(len(warnings), 1, warnings)
        for name, (_, words) in answers.items():
            self.assertIn(words, warnings[0], name)
        self.assertNotIn("\x1b", warnings[0])
        print(f"    {len(urls)} trackers of no use; {most // MIB} MiB at most", flush=True)

    def test_a_flood_of_addresses(self):
        content = self.noise(4 * MIB)
        torrent = self.create(content)
        seed = self.libtorrent("seed", torrent, content.parent, "--seed", "--up", 300_000)
        self.seed_ready(seed)
        leech = self.leech(torrent, "--peer", seed)
        before = memory(leech)
        sock = socket.create_connection(self.addr, timeout=10)
        self.addCleanup(sock.close)
        hello = handshake(info_of(torrent)[0], b"-XX0000-pexflood1234")
        sock.sendall(hello[:20] + EXTENDED + hello[28:] + message(14) + message(20, b"\0d1:md6:ut_pexi1eee"))
        connection = Connection(sock)
        connection.exactly(68)

        def crowd(number):
            peers = b"".join(struct.pack(">BBBBH", 10, 99, number % 250, at, 1) for at in range(200))
            return message(20, b"\x11d5:added1200:" + peers + b"e")
        try:
            for number in range(2000):
                sock.sendall(crowd(number))
        except OSError:
            pass
        self.assertTrue(connection.is_closed(5), "the flood is not closed")
        self.assertLess(memory(leech) - before, 16 * MIB)
        self.assertEqual(leech.wait(60), 0, leech.stderr())
        self.assertEqual(sha256(self.output), sha256(content))
        told = [line for line in leech.stderr().splitlines() if "flooding: peer exchange" in line]
        self.assertEqual(len(told), 1, told)

    def test_slow_strangers_and_silent_neighbours_keep_nobody_out(self):
        content = self.noise(4 * MIB)
        torrent = self.create(content)
        ip = self.ip()
        seed = self.node("seed", "seed", torrent, "--dir", content.parent, "--listen", ip, "--tracker-listen",
                         f"{self.ip()}:6970", "--up", "2 MB/s")
        wait_until("the seed listens", lambda: "peer port" in seed.stderr())
        before, socks = memory(seed), []
        # Of 300 strangers half say a byte each now and then, half nothing; three, fewer than are served
        # at once, shake hands, ask, and never read.
        for index in range(300):
            sock = socket.create_connection((ip, 6881), timeout=10)
            socks.append(sock)
            self.addCleanup(sock.close)
            if index % 2:
                sock.sendall(b"\x13")
        request = b"".join(message(6, struct.pack(">III", piece % 8, 0, 16384)) for piece in range(200))
        for index in range(3):
            sock = socket.create_connection((ip, 6881), timeout=10)
            self.addCleanup(sock.close)
            sock.sendall(handshake(info_of(torrent)[0], b"-XX0000-silent%06d" % index) + message(15) + message(2) + request)
        process, code = self.run_node("play", torrent, "--listen", self.ip(), "--dir", self.folder / "copy", "--peer",
                                      f"{ip}:6881", "--exit-when-complete", seconds=90)
        self.assertEqual(code, 0, process.stderr())
        self.assertEqual(sha256(self.folder / "copy" / content.name), sha256(content))
        grown = memory(seed) - before
        self.assertLess(grown, 64 * MIB)
        self.assertTrue(seed.running())
        print(f"    303 of no use; grown by {grown // 1024} KiB", flush=True)

    def test_neighbours_that_only_hold_slots_starve_nobody(self):
        content = self.noise(4 * MIB)
        torrent = self.create(content)
        ip = self.ip()
        metrics = self.folder / "seed.jsonl"
        seed = self.node("seed", "seed", torrent, "--dir", content.parent, "--listen", ip, "--tracker-listen",
                         f"{self.ip()}:6970", "--up", "2 MB/s", "--metrics", metrics)
        wait_until("the seed listens", lambda: "peer port" in seed.stderr())
        # Many times the seed's slots want everything. The deaf ask on end and never read; the mute never ask.
        deaf, mute, slots = 15, 15, 4
        request = b"".join(message(6, struct.pack(">III", piece % 8, 0, 16384)) for piece in range(8))
        socks = []
        for index in range(deaf + mute):
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            sock.connect((ip, 6881))
            self.addCleanup(sock.close)
            sock.sendall(handshake(info_of(torrent)[0], b"-XX0000-hold%08d" % index) + message(15) + message(2))
            sock.setblocking(False)
            socks.append(sock)
        stop = threading.Event()
        self.addCleanup(stop.set)

        def ask_on_end():
            while not stop.wait(0.5):
                for sock in socks[:deaf]:
                    with contextlib.suppress(OSError):
                        sock.send(request)
        threading.Thread(target=ask_on_end, daemon=True).start()
        held = lambda: [event for event in self.events(metrics) if event["event"] == "WeChoke" and not event["choked"]]
        wait_until("the slots are taken", lambda: len(held()) >= slots)
        # Each of them may hold a slot for 4 s, and then rests for a minute: so long the last in line waits. The
        # rest is what a loaded machine may take for 4 MiB that are 2 s of the line.
        most = -(-(deaf + mute) // slots) * 4 + 60
        began = time.monotonic()
        process, code = self.run_node("play", torrent, "--listen", self.ip(), "--dir", self.folder / "copy", "--peer",
                                      f"{ip}:6881", "--exit-when-complete", seconds=most)
        self.assertEqual(code, 0, process.stderr())
        self.assertEqual(sha256(self.folder / "copy" / content.name), sha256(content))
        tried = {event["conn"] for event in held()}
        print(f"    complete after {time.monotonic() - began:.0f} s beside {deaf + mute} that hold slots, "
              f"{len(tried) - 1} of them tried", flush=True)
        self.assertTrue(seed.running())
