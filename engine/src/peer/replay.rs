//! A call as a value: what a recording is made of, played back.

use super::Peer;
use crate::input::Call;
use crate::time::Instant;

impl Peer {
    /// Makes the call. Its answer, if it has one, is in the recording already; what it changes
    /// shows in the outputs.
    pub fn call(&mut self, now: Instant, call: Call) {
        match call {
            Call::Input(input) => self.handle(now, input),
            Call::Accept { addr, remote } => drop(self.accept(now, addr, remote)),
            Call::Play => drop(self.play(now)),
            Call::Pause => drop(self.pause(now)),
            Call::Resume => drop(self.resume(now)),
            Call::Seek(byte) => drop(self.seek(now, byte)),
            Call::Report(playhead) => drop(self.report_playhead(now, playhead)),
            Call::Want { from, length } => drop(self.want(now, from, length)),
            Call::Unwant { from, length } => self.unwant(now, from, length),
            Call::Produce { piece, last } => drop(self.produce(now, piece, last)),
            Call::Rename { peer_id, listen } => self.rename(now, peer_id, listen),
            Call::Leave => self.leave(now),
        }
    }
}
