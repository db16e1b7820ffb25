"""The peer port is opened on a gateway, by PCP, by NAT-PMP and by UPnP, and closed at the end."""

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


WAN = "urn:schemas-upnp-org:service:WANIPConnection:1"
INS = {"AddPortMapping": ["NewRemoteHost", "NewExternalPort", "NewProtocol", "NewInternalPort", "NewInternalClient",
                          "NewEnabled", "NewPortMappingDescription", "NewLeaseDuration"],
       "DeletePortMapping": ["NewRemoteHost", "NewExternalPort", "NewProtocol"]}


class Igd:
    """A gateway that speaks UPnP alone. Ports of `taken` are somebody else's; `permanent`: it grants nothing else.
    `wrong` says what it does instead of what it should."""

    def __init__(self, ip, taken=(), permanent=False, wrong=None, location=None):
        self.ip, self.taken, self.permanent, self.wrong = ip, taken, permanent, wrong
        self.open, self.sent, self.hits = {}, 0, 0
        self.ssdp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ssdp.bind((ip, 1900))
        self.http = socket.create_server((ip, 0))
        self.location = location or "http://%s:%d/root.xml" % self.http.getsockname()
        for loop in (self.tell, self.listen):
            threading.Thread(target=loop, daemon=True).start()

    def close(self):
        self.ssdp.close()
        self.http.close()

    def tell(self):
        while True:
            try:
                data, peer = self.ssdp.recvfrom(2048)
            except OSError:
                return
            if data.startswith(b"M-SEARCH") and b"WANIPConnection" in data:
                answer = f"HTTP/1.1 200 OK\r\nST: {WAN}\r\nLOCATION: {self.location}\r\n\r\n".encode()
                self.ssdp.sendto(b"\xff" * 1400 if self.wrong == "babbles" else answer, peer)

    def listen(self):
        while True:
            try:
                sock, _ = self.http.accept()
            except OSError:
                return
            self.hits += 1
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        with sock, sock.makefile("rb") as stream:
            try:
                path = stream.readline().split()[1].decode()
                fields = dict(line.decode().rstrip().lower().split(": ", 1) for line in iter(stream.readline, b"\r\n"))
                body = stream.read(int(fields.get("content-length", 0))).decode()
                what = {"/root.xml": "root", "/actions.xml": "actions"}.get(path, "control")
                if self.wrong == f"endless {what}":
                    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n<root>")
                    while True:
                        self.sent += sock.send(b"<a/>" * 10_000)
                if self.wrong == f"silent {what}":
                    time.sleep(60)
                if self.wrong == f"slow {what}":
                    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                    for _ in range(60):
                        sock.sendall(b" ")
                        time.sleep(1)
                if self.wrong == f"deep {what}":
                    self.reply(sock, "<root>" * 100_000)
                elif self.wrong == f"elsewhere {what}":
                    sock.sendall(f"HTTP/1.1 302 Found\r\nLocation: {self.elsewhere}\r\n\r\n".encode())
                elif what == "root":
                    self.reply(sock, f"<root><device><deviceList><device><serviceList><service><serviceType>{WAN}"
                               "</serviceType><SCPDURL>/actions.xml</SCPDURL><controlURL>/control</controlURL>"
                               "</service></serviceList></device></deviceList></device></root>")
                elif what == "actions":
                    self.reply(sock, "<scpd><actionList>" + "".join(
                        f"<action><name>{name}</name><argumentList>" + "".join(
                            f"<argument><name>{one}</name><direction>in</direction></argument>" for one in ins)
                        + "</argumentList></action>" for name, ins in INS.items()) + "</actionList></scpd>")
                else:
                    self.control(sock, fields["soapaction"], body)
            except OSError:
                pass

    def reply(self, sock, body, status="200 OK"):
        sock.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    def control(self, sock, action, body):
        said = dict(re.findall(r"<(New\w+)>([^<]*)</", body))
        key = said["NewProtocol"], int(said["NewExternalPort"])
        error = None
        if action.endswith('#addportmapping"'):
            if key[1] in self.taken:
                error = 718
            elif self.permanent and said["NewLeaseDuration"] != "0":
                error = 725
            else:
                self.open[key] = said["NewInternalClient"], int(said["NewInternalPort"]), int(said["NewLeaseDuration"])
        elif self.open.pop(key, None) is None:
            error = 714
        if error:
            self.reply(sock, f"<Envelope><Body><Fault><detail><UPnPError><errorCode>{error}</errorCode>"
                       "<errorDescription>no</errorDescription></UPnPError></detail></Fault></Body></Envelope>",
                       "500 Internal Server Error")
        else:
            name = "DeletePortMapping" if action.endswith('#deleteportmapping"') else "AddPortMapping"
            self.reply(sock, f'<Envelope><Body><u:{name}Response xmlns:u="{WAN}"/></Body></Envelope>')


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
            self.assertIn("by UPnP no usable answer", seed.stderr())
            # It is given 3.75 s for each of two ways to ask, and meanwhile as long for the third.
            self.assertLess(time.monotonic() - began, 8 + 12)
            self.assertEqual(seed.stop(), 0, seed.stderr())
        process, code = self.run_node("play", torrent, "--port-mapping=router")
        self.assertEqual(code, 2)
        self.assertIn("IP address", process.stderr())

    def test_where_nothing_else_is_spoken_it_is_upnp(self):
        torrent = self.create(self.noise(100_000))
        for arguments, lease in [({}, 3600), ({"permanent": True}, 0), ({"taken": [6999]}, 3600)]:
            gateway = self.ip()
            router = Igd(gateway, **arguments)
            self.addCleanup(router.close)
            seed, port = self.announced(torrent, self.ip(), gateway, "--port", "6999")
            self.assertEqual(port == 6999, "taken" not in arguments)
            self.assertIn(f"port {port} of the gateway {gateway} leads here (UPnP)", seed.stderr())
            self.assertEqual(set(router.open), {("TCP", port), ("UDP", port)})
            for ip, inside, seconds in router.open.values():
                self.assertEqual((inside, seconds), (6999, lease))
                # The address from which the gateway is spoken to.
                self.assertRegex(ip, r"^[0-9]+(\.[0-9]+){3}$")
            self.assertEqual(seed.stop(), 0, seed.stderr())
            self.assertEqual(router.open, {})

    def test_a_hostile_upnp_gateway_costs_some_seconds_and_no_more(self):
        torrent = self.create(self.noise(100_000))
        elsewhere = Igd(self.ip())
        self.addCleanup(elsewhere.close)
        for wrong in ["babbles", "endless root", "endless control", "silent root", "silent control", "slow root",
                      "deep root", "deep actions", "elsewhere root", "elsewhere control", "location"]:
            with self.subTest(wrong):
                gateway = self.ip()
                # A document of another host's is not even read.
                router = Igd(gateway, wrong=wrong, location=elsewhere.location if wrong == "location" else None)
                self.addCleanup(router.close)
                router.elsewhere = elsewhere.location
                began = time.monotonic()
                seed, port = self.announced(torrent, self.ip(), gateway)
                self.assertEqual(port, 6881)
                self.assertLess(time.monotonic() - began, 4 + 8 + 6)
                self.assertRegex(seed.stderr(), f"the gateway {gateway} grants none: .*by UPnP")
                # What it reads (1 MiB), and what the system holds between the two.
                self.assertLess(router.sent, 24 << 20)
                self.assertEqual(seed.stop(), 0, seed.stderr())
        self.assertEqual(elsewhere.hits, 0)
