"""The peer port is opened on a gateway, by PCP and by NAT-PMP, and closed at the end."""

import re
import socket
import struct
import threading
import time

from lab import Lab, wait_until

OFFSET = 1000
UDP, TCP = 17, 6


class Gateway(threading.Thread):
    """Grants every port under another number. `pcp` or, without it, NAT-PMP alone, which tells those who speak
    PCP so; `lifetime` is what it grants at most."""

    def __init__(self, ip, pcp, lifetime=3600):
        super().__init__(daemon=True)
        self.pcp, self.lifetime = pcp, lifetime
        self.open, self.asked, self.problems = {}, 0, []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, 5351))
        self.start()

    def run(self):
        while True:
            try:
                data, peer = self.sock.recvfrom(2048)
            except OSError:
                return
            answer = self.answer_pcp(data, peer) if data[0] == 2 else self.answer_nat_pmp(data)
            if answer:
                self.sock.sendto(answer, peer)

    def grant(self, protocol, internal, wanted, lifetime):
        """The external port and the lifetime."""
        if lifetime == 0:
            self.open.pop((protocol, internal), None)
            return 0, 0
        self.asked += 1
        # Whoever knows its port asks for that again.
        external = self.open.get((protocol, internal), wanted if wanted != internal else internal + OFFSET)
        self.open[protocol, internal] = external
        return external, min(lifetime, self.lifetime)

    def answer_nat_pmp(self, data):
        version, opcode, _, internal, wanted, lifetime = struct.unpack(">BBHHHI", data)
        if version != 0 or opcode not in (1, 2):
            self.problems.append(data)
            return None
        external, lifetime = self.grant({1: UDP, 2: TCP}[opcode], internal, wanted, lifetime)
        return struct.pack(">BBHIHHI", 0, 128 + opcode, 0, 1000, internal, external, lifetime)

    def answer_pcp(self, data, peer):
        if not self.pcp:
            # RFC 6886 3.5: unsupported version.
            return struct.pack(">BBHI", 0, 128 + data[1], 1, 1000)
        opcode, lifetime = data[1], struct.unpack(">I", data[4:8])[0]
        client = socket.inet_ntop(socket.AF_INET6, data[8:24])
        if opcode != 1 or client != f"::ffff:{peer[0]}":
            self.problems.append(data)
            return None
        nonce, protocol = data[24:36], data[36]
        internal, wanted = struct.unpack(">HH", data[40:44])
        external, lifetime = self.grant(protocol, internal, wanted, lifetime)
        head = struct.pack(">BBBBII", 2, 129, 0, 0, lifetime, 1000) + bytes(12)
        ip = socket.inet_pton(socket.AF_INET6, "::ffff:203.0.113.9")
        return head + nonce + bytes([protocol, 0, 0, 0]) + struct.pack(">HH", internal, external) + ip


class Gateways(Lab):
    def announced(self, torrent, ip, gateway, *arguments):
        """A seed behind the gateway, and the port by which a tracker came to know it."""
        listener = socket.create_server((self.ip(), 0))
        self.addCleanup(listener.close)
        ports = []

        def hear():
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                with sock:
                    ports.append(int(re.search(rb"[?&]port=(\d+)", sock.recv(4096))[1]))
                    body = b"d8:intervali60e5:peers0:e"
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        threading.Thread(target=hear, daemon=True).start()
        seed = self.node("seed", "seed", torrent, "--dir", self.folder / "content", "--listen", ip, "--json",
                         f"--port-mapping={gateway}", "--tracker",
                         "http://%s:%d/announce" % listener.getsockname(), *arguments)
        wait_until("it announces", lambda: ports or not seed.running())
        self.assertTrue(ports, seed.stderr())
        return seed, ports[0]

    def test_a_port_is_opened_told_renewed_and_closed(self):
        torrent = self.create(self.noise(100_000))
        for pcp, name in [(True, "PCP"), (False, "NAT-PMP")]:
            gateway = self.ip()
            router = Gateway(gateway, pcp, lifetime=2)
            seed, port = self.announced(torrent, self.ip(), gateway, "--port", "6999")
            self.assertEqual(port, 6999 + OFFSET)
            self.assertIn(f"port 7999 of the gateway {gateway} leads here ({name})", seed.stderr())
            self.assertEqual(router.open, {(TCP, 6999): 7999, (UDP, 6999): 7999})
            wait_until("it is renewed", lambda: router.asked >= 4)
            self.assertEqual(router.open, {(TCP, 6999): 7999, (UDP, 6999): 7999})
            self.assertEqual(seed.stop(), 0, seed.stderr())
            self.assertEqual((router.open, router.problems), ({}, []))
            router.sock.close()

    def test_without_a_gateway_that_grants_it_goes_on(self):
        torrent = self.create(self.noise(100_000))
        # One that is silent, one that answers nonsense, and one that is not there.
        silent, babbler, nobody = self.ip(), self.ip(), self.ip()
        for ip, answer in [(silent, None), (babbler, b"\xff" * 60)]:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((ip, 5351))
            self.addCleanup(sock.close)

            def babble(sock=sock, answer=answer):
                try:
                    while True:
                        _, peer = sock.recvfrom(2048)
                        if answer:
                            sock.sendto(answer, peer)
                except OSError:
                    pass
            threading.Thread(target=babble, daemon=True).start()
        for gateway in [silent, babbler, nobody]:
            began = time.monotonic()
            seed, port = self.announced(torrent, self.ip(), gateway)
            self.assertEqual(port, 6881)
            self.assertIn(f"the gateway {gateway} grants none", seed.stderr())
            self.assertIn("UPnP is not spoken", seed.stderr())
            # It is given 3.75 s for each of two ways to ask.
            self.assertLess(time.monotonic() - began, 8 + 12)
            self.assertEqual(seed.stop(), 0, seed.stderr())
        process, code = self.run_node("play", torrent, "--port-mapping=router")
        self.assertEqual(code, 2)
        self.assertIn("IP address", process.stderr())
