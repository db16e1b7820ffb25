"""Web seeds (BEP 19): servers that have the files, with neighbours and without, and servers that are of no use."""

import http.server
import socket
import threading
import urllib.parse

from lab import Lab, sha256

MIB = 1024 * 1024


class Server:
    """Serves the files below `root`, in parts; `spoil(path, first, data)` changes what is sent, `status` refuses."""

    def __init__(self, addr, root, parts=True, spoil=None, status=None):
        server, self.asked = self, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = urllib.parse.unquote(self.path)
                server.asked.append((path, self.headers.get("Range")))
                if status:
                    self.send_response(status)
                    self.send_header("Retry-After", "1")
                    self.end_headers()
                    return
                data = (root / path.lstrip("/")).read_bytes()
                if not parts:
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(data)
                    return
                first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
                part = data[first:last + 1]
                if spoil:
                    part = spoil(path, first, part)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
                self.send_header("Content-Length", str(len(part)))
                self.end_headers()
                self.wfile.write(part)

            def log_message(self, *_):
                pass

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass  # it hangs up on what it did not ask for
        ip, port = addr.split(":")
        self.http = http.server.ThreadingHTTPServer((ip, int(port)), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


class WebSeeds(Lab):
    def server(self, root, **how):
        addr = f"{self.ip()}:8000"
        server = Server(addr, root, **how)
        server.url = f"http://{addr}/"
        self.addCleanup(server.http.shutdown)
        return server

    def play(self, torrent, *arguments, seconds=60):
        return self.run_node("play", torrent, "--listen", self.ip(), "--dir", self.folder / "copy",
                             "--exit-when-complete", "--json", *arguments, seconds=seconds)

    def test_all_of_it_without_a_neighbour(self):
        content = self.noise(3 * MIB + 12345)
        server = self.server(content.parent)
        # A folder's address, and the file's own.
        for url in [server.url, f"{server.url}{content.name}"]:
            torrent = self.create(content, "--web-seed", url, "--piece-length", "64 KiB", "--force")
            process, code = self.play(torrent)
            self.assertEqual(code, 0, process.stderr())
            self.assertEqual(sha256(self.folder / "copy" / content.name), sha256(content))
            self.assertEqual(process.json()["from_web_seed"], content.stat().st_size)
            (self.folder / "copy" / content.name).unlink()

    def test_a_folder_whose_names_need_care(self):
        folder = self.folder / "content" / "a series"
        (folder / "öne").mkdir(parents=True)
        for index, size in enumerate([1, 300_000, 0, 2 * MIB, 77_777]):
            path = folder / ("öne" if index % 2 else ".") / f"{index} & more?.bin"
            path.write_bytes(bytes((index + at * 7) % 251 for at in range(size)))
        server = self.server(folder.parent)
        torrent = self.create(folder, "--web-seed", server.url, "--piece-length", "64 KiB")
        process, code = self.play(torrent)
        self.assertEqual(code, 0, process.stderr())
        for path in folder.rglob("*.bin"):
            self.assertEqual(sha256(self.folder / "copy" / "a series" / path.relative_to(folder)), sha256(path), path)

    def test_beside_a_neighbour_and_after_servers_of_no_use(self):
        content = self.noise(8 * MIB)
        good = self.server(content.parent)
        busy = self.server(content.parent, status=503)
        whole = self.server(content.parent, parts=False)
        urls = [f"{self.ip()}:9", *(one.url.removeprefix("http://") for one in [busy, whole, good])]
        torrent = self.create(content, "--piece-length", "64 KiB", "--tracker", self.tracker(),
                              *(word for url in urls for word in ["--web-seed", f"http://{url}"]))
        self.seed_ready(self.libtorrent("seed", torrent, content.parent, "--seed", "--up", 2_000_000))
        process, code = self.play(torrent)
        self.assertEqual(code, 0, process.stderr())
        self.assertEqual(sha256(self.folder / "copy" / content.name), sha256(content))
        said = process.json()
        # Each gave some, and what both gave is counted once.
        self.assertGreater(said["from_web_seed"], 0)
        self.assertGreater(said["downloaded"], 0)
        self.assertGreaterEqual(said["from_web_seed"] + said["downloaded"] - said["duplicate"], 8 * MIB)
        for words in ["Connection refused", "HTTP status 503", "ignores Range"]:
            self.assertIn(words, process.stderr())
        self.assertLess(len(whole.asked), 10)

    def test_a_server_that_sends_garbage_is_asked_no_more(self):
        content = self.noise(4 * MIB)
        bad = self.server(content.parent, spoil=lambda path, first, data: bytes([data[0] ^ 1]) + data[1:])
        short = self.server(content.parent, spoil=lambda path, first, data: data[:-1])
        torrent = self.create(content, "--piece-length", "64 KiB", "--tracker", self.tracker(),
                              "--web-seed", short.url, "--web-seed", bad.url)
        seed = self.libtorrent("seed", torrent, content.parent, "--seed", "--up", 1_000_000)
        self.seed_ready(seed)
        process, code = self.play(torrent)
        self.assertEqual(code, 0, process.stderr())
        self.assertEqual(sha256(self.folder / "copy" / content.name), sha256(content))
        self.assertIn("sends another part of the file", process.stderr())
        # Once more while the first piece was looked at.
        self.assertLessEqual(len(bad.asked), 3, "it was asked again")
        self.assertEqual(process.json()["from_web_seed"], 64 * 1024 * len(bad.asked))

    def test_it_hangs_and_others_are_unaffected(self):
        content = self.noise(4 * MIB)
        ip = self.ip()
        listener = socket.create_server((ip, 8000))
        self.addCleanup(listener.close)
        torrent = self.create(content, "--piece-length", "64 KiB", "--web-seed", f"http://{ip}:8000/")
        seed = self.libtorrent("seed", torrent, content.parent, "--seed")
        self.seed_ready(seed)
        process, code = self.play(torrent, "--peer", seed, seconds=40)
        self.assertEqual(code, 0, process.stderr())
        self.assertEqual(sha256(self.folder / "copy" / content.name), sha256(content))
