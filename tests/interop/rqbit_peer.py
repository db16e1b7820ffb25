"""rqbit's library (librqbit, by its Python binding) as a peer: rqbit_peer.py WHAT FOLDER PORT. Stays until it is killed."""

import sys
import time

import pyrqbit

what, folder, port = sys.argv[1:]
session = pyrqbit.Session(folder, listen_port=int(port), disable_dht=True)
torrent = session.add_torrent(what, overwrite=True)
while True:
    print(torrent.stats(), flush=True)
    time.sleep(1)
