"""`node create`: what it finds out about the media, and what it says of them."""

import hashlib
import shutil

import libtorrent
from lab import Lab, ffmpeg, get, media, wait_until


class Create(Lab):
    def picture(self):
        path = self.folder / "picture.jpg"
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=171x96:duration=1", "-frames:v", "1", path)
        return path

    def test_the_playing_time_is_the_media_s_own(self):
        (self.folder / "content").mkdir()
        film = media(self.folder / "content" / "film.mp4", 10)
        picture = self.picture()
        process, code = self.run_node("create", film, "--out", self.folder / "film.torrent", "--json",
                                      "--thumb", picture, "--comment", "A test picture")
        self.assertEqual(code, 0, process.stderr())
        self.assertAlmostEqual(process.json()["duration_s"], 10, delta=0.1)
        self.assertEqual(process.json()["bitrate"], film.stat().st_size // 10)
        self.assertIn("plays 0:00:10", process.stderr())
        # Another reader finds both, and SwarmPlayer's own place of the picture.
        torrent = libtorrent.torrent_info(str(self.folder / "film.torrent"))
        self.assertEqual(torrent.comment(), "A test picture")
        content = libtorrent.bdecode((self.folder / "film.torrent").read_bytes())[b"azureus_properties"][b"Content"]
        self.assertEqual(content[b"Thumbnail"], picture.read_bytes())
        self.assertEqual(content[b"Speed Bps"], film.stat().st_size // 10)
        # And the page shows it.
        http = f"{self.ip()}:8080"
        player = self.node("play", "play", self.folder / "film.torrent", "--listen", self.ip(), "--dir", film.parent,
                           "--http", http)
        wait_until("the player listens", lambda: "media at" in player.stderr())
        status, headers, body = get(http, "/thumbnail.jpg")
        self.assertEqual((status, headers["Content-Type"]), (200, "image/jpeg"))
        self.assertEqual(body, picture.read_bytes())

    def test_a_folder_of_media_and_more_pieces_than_are_hashed_at_once(self):
        folder = self.folder / "series"
        folder.mkdir()
        (folder / "a.txt").write_bytes(b"no media")
        media(folder / "b.ts", 5)
        shutil.copy(self.noise(70 * 1024 * 1024), folder / "c.bin")
        process, code = self.run_node("create", folder, "--out", self.folder / "series.torrent", "--json")
        self.assertEqual(code, 0, process.stderr())
        self.assertAlmostEqual(process.json()["bitrate"], (folder / "b.ts").stat().st_size / 5, delta=2000)
        info = libtorrent.bdecode((self.folder / "series.torrent").read_bytes())[b"info"]
        self.assertEqual([entry.get(b"playtime") for entry in info[b"files"]], [None, b"0:00:05", None])
        whole = b"".join((folder / name).read_bytes() for name in ["a.txt", "b.ts", "c.bin"])
        length = info[b"piece length"]
        hashes = [hashlib.sha1(whole[at:at + length]).digest() for at in range(0, len(whole), length)]
        self.assertEqual(info[b"pieces"], b"".join(hashes))

    def test_what_is_no_picture_is_refused(self):
        content = self.noise(100_000)
        out = self.folder / "film.torrent"
        process, code = self.run_node("create", content, "--out", out, "--thumb", content)
        self.assertNotEqual(code, 0)
        self.assertIn("is no JPEG", process.stderr())
        self.assertFalse(out.exists())
