"""Homes on one network: a namespace for each, and a switch in user space between them that gives every home
an uplink (rate, and a queue of 200 ms that drops at its tail) and a way of so many milliseconds.

Not every kernel has netem; each has TUN. The switch is a process of its own. Root alone can do this.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import signal
import socket
import struct
import subprocess
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000
QUEUE_S, QUEUE_MIN = 0.2, 30_000
PACKET_MAX = 65_536
CLONE_NEWNET = 0x4000_0000
LIBC = ctypes.CDLL(None, use_errno=True)


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True)


class Homes:
    """`rates` are the uplinks in bit/s (0: no limit), one for each home; a packet takes `delay_s` one way, and is
    lost with the chance `loss`, by the same draws every time."""

    def __init__(self, name, rates, delay_s, loss=0.0):
        self.names = [f"{name}{number}" for number in range(len(rates))]
        tuns = []
        for number, home in enumerate(self.names):
            subprocess.run(["ip", "netns", "del", home], stderr=subprocess.DEVNULL, check=False)
            ip("netns", "add", home)
            ip("-n", home, "link", "set", "lo", "up")
            tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", home.encode(), IFF_TUN | IFF_NO_PI))
            ip("link", "set", home, "netns", home)
            ip("-n", home, "addr", "add", f"{self.addr(number)}/16", "dev", home)
            ip("-n", home, "link", "set", home, "up", "txqueuelen", "1000")
            # What most people's systems use, whatever this one's default is.
            ip("-n", home, "route", "change", "10.78.0.0/16", "dev", home, "proto", "kernel", "scope", "link",
               "src", self.addr(number), "congctl", "cubic")
            tuns.append(tun)
        self.switch = os.fork()
        if not self.switch:
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
            switch(tuns, rates, delay_s, loss)
        for tun in tuns:
            os.close(tun)

    @staticmethod
    def addr(number):
        return f"10.78.0.{number + 1}"

    def command(self, number, *words):
        """What runs this command in a home."""
        return ["ip", "netns", "exec", self.names[number], *map(str, words)]

    def connect(self, number, addr, timeout):
        """A connection from a home to `addr` there: a socket stays in the namespace that it was made in."""
        here, there = os.open("/proc/thread-self/ns/net", os.O_RDONLY), os.open(
            f"/run/netns/{self.names[number]}", os.O_RDONLY)
        try:
            if LIBC.setns(there, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            made = socket.socket()
            LIBC.setns(here, CLONE_NEWNET)
        finally:
            os.close(here)
            os.close(there)
        made.settimeout(timeout)
        made.connect(addr)
        return made

    def close(self):
        os.kill(self.switch, signal.SIGTERM)
        os.waitpid(self.switch, 0)
        for home in self.names:
            ip("netns", "del", home)


def switch(tuns, rates, delay_s, loss):
    """Forwards for ever."""
    draw = random.Random(1)
    free_at = [0.0] * len(tuns)
    under_way, number = [], 0
    poll = select.epoll()
    for tun in tuns:
        poll.register(tun, select.EPOLLIN)
    home_of = {tun: home for home, tun in enumerate(tuns)}
    while True:
        now = time.monotonic()
        while under_way and under_way[0][0] <= now:
            *_, to, packet = heapq.heappop(under_way)
            try:
                os.write(tuns[to], packet)
            except OSError:
                pass  # as on any network
        wait = max(0.0, under_way[0][0] - now) if under_way else 1.0
        for tun, _ in poll.poll(wait):
            home = home_of[tun]
            for _ in range(64):
                try:
                    packet = os.read(tun, PACKET_MAX)
                except BlockingIOError:
                    break
                to = packet[19] - 1 if packet[0] >> 4 == 4 and packet[16:19] == b"\x0a\x4e\0" else -1
                if not 0 <= to < len(tuns):
                    continue
                now = time.monotonic()
                begins, left = max(now, free_at[home]), now
                if rates[home]:
                    if (begins - now) * rates[home] / 8 > max(QUEUE_S * rates[home] / 8, QUEUE_MIN):
                        continue
                    left = free_at[home] = begins + len(packet) * 8 / rates[home]
                if draw.random() < loss:
                    continue
                number += 1
                heapq.heappush(under_way, (left + delay_s, number, to, packet))
