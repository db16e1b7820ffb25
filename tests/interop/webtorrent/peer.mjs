// A WebTorrent peer on TCP that talks to nobody it was not told of.
// peer.mjs seed|leech TORRENT|MAGNET FOLDER IP:PORT [--peer IP:PORT]… [--http IP:PORT] [--utp]
// WEBTORRENT in the environment names the library's index.js.
// Prints a JSON line when the torrent is known, and one when it is complete. Stays until told to stop.
import dgram from 'node:dgram'
import fs from 'node:fs'
import net from 'node:net'

const [mode, what, folder, listen, ...rest] = process.argv.slice(2)
const [ip, port] = listen.split(':')
const told = (name) => rest.filter((_, at) => rest[at - 1] === name)

// It binds to no address by itself; here it is known by its own.
const dial = net.connect
net.connect = net.createConnection = (options, ...more) =>
  dial(typeof options === 'object' ? { ...options, localAddress: ip } : options, ...more)
const open = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...more) {
  const named = typeof more[0] === 'string'
  return typeof port === 'number' && !named ? open.call(this, port, ip, ...more) : open.call(this, port, ...more)
}
const make = dgram.createSocket
dgram.createSocket = (...options) => {
  const socket = make(...options)
  socket.bind({ address: ip, port: 0 })
  return socket
}

const { default: WebTorrent } = await import(process.env.WEBTORRENT)
const client = new WebTorrent({
  torrentPort: Number(port),
  dht: false,
  lsd: false,
  natUpnp: false,
  natPmp: false,
  utp: rest.includes('--utp'),
  tracker: { wrtc: false }
})
const began = Date.now()
const say = (object) => console.log(JSON.stringify({ ...object, ms: Date.now() - began }))
client.on('error', (error) => {
  console.error(error)
  process.exit(1)
})
const torrent = client.add(what.startsWith('magnet:') ? what : fs.readFileSync(what), {
  path: folder,
  skipVerify: mode === 'seed'
})
torrent.on('warning', (warning) => console.error(String(warning)))
torrent.on('infoHash', () => told('--peer').forEach((peer) => torrent.addPeer(peer)))
torrent.on('ready', () => say({ event: 'ready' }))
torrent.on('done', () => say({ event: 'done', downloaded: torrent.downloaded }))
for (const addr of told('--http')) {
  const [host, number] = addr.split(':')
  const server = client.createServer()
  const listener = server.server ?? server
  listener.listen(Number(number), host)
  torrent.on('ready', () => say({ event: 'http', path: torrent.files[0].streamURL }))
}
process.on('SIGTERM', () => process.exit(0))
