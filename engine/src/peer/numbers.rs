//! Piece numbers as the wire has them, and as they are: a live stream's may come round, and then what a number means
//! depends on where the window stands, or on what was asked for.

use super::Peer;
use crate::error::CloseReason;
use crate::geometry::{Block, PieceIndex};
use crate::id::ConnId;
use crate::live::Numbering;
use crate::message::{Extended, Message};

impl Peer {
    /// How the stream's pieces are numbered; `None` of a movie's.
    pub(super) fn numbering(&self) -> Option<Numbering> {
        self.live.as_ref().map(|live| live.config.numbering)
    }

    /// Piece numbers come round.
    pub(super) fn is_ring(&self) -> bool {
        matches!(self.numbering(), Some(Numbering::Ring(_)))
    }

    /// A neighbour's message, with the wire's piece numbers made absolute; `None` if it speaks of
    /// pieces we know nothing of, and is dealt with.
    pub(super) fn read_numbers(
        &mut self,
        conn: ConnId,
        message: Message,
    ) -> Result<Option<Message>, CloseReason> {
        let Some(numbering) = self.numbering() else {
            return Ok(Some(message));
        };
        let (Message::Request(block)
        | Message::Cancel(block)
        | Message::Piece(block)
        | Message::Reject(block)) = message
        else {
            return match message {
                Message::Bitfield(_) | Message::HaveAll => Err(CloseReason::Violation(
                    "a bitfield in a live swarm, whose windows have a message of their own",
                )),
                message => Ok(Some(message)),
            };
        };
        if !numbering.is_written(block.piece) {
            return Err(CloseReason::Violation("a piece number beyond the stream's"));
        }
        if matches!(numbering, Numbering::Absolute { .. }) {
            return Ok(Some(message));
        }
        let window = self.pieces.window();
        let named = |piece| Block { piece, ..block };
        Ok(match message {
            Message::Request(_) => match numbering.within(block.piece, window) {
                Some(piece) => Some(Message::Request(named(piece))),
                None => {
                    self.send(conn, Message::Reject(block));
                    None
                }
            },
            Message::Cancel(_) => numbering
                .within(block.piece, window)
                .map(|piece| Message::Cancel(named(piece))),
            // What it answers is among what we asked, whatever our window is now.
            Message::Piece(_) => Some(Message::Piece(self.as_asked(conn, numbering, block))),
            _ => Some(Message::Reject(self.as_asked(conn, numbering, block))),
        })
    }

    fn as_asked(&mut self, conn: ConnId, numbering: Numbering, block: Block) -> Block {
        let geometry = *self.pieces.geometry();
        let Some(neighbour) = self.neighbour(conn) else {
            return block;
        };
        let asked = neighbour
            .requests
            .iter()
            .map(|request| request.block())
            .chain(neighbour.released.iter().copied())
            .map(|asked| geometry.block(asked))
            .find(|asked| {
                asked.begin == block.begin
                    && asked.length == block.length
                    && numbering.wire(asked.piece) == numbering.wire(block.piece)
            });
        asked.unwrap_or(block)
    }

    /// A piece, as a HAVE of ours names it.
    pub(super) fn written_piece(&self, piece: PieceIndex) -> PieceIndex {
        match self.numbering() {
            Some(numbering @ Numbering::Ring(_)) => numbering.wire(piece),
            _ => piece,
        }
    }

    /// The opposite, for what we send.
    pub(super) fn write_numbers(&self, mut message: Message) -> Message {
        if let Some(numbering @ Numbering::Ring(_)) = self.numbering() {
            match &mut message {
                Message::Have(piece) => *piece = numbering.wire(*piece),
                Message::Request(block) | Message::Cancel(block) | Message::Reject(block) => {
                    block.piece = numbering.wire(block.piece);
                }
                Message::Extended(extended) => {
                    if let Extended::DontHave(piece) = &mut **extended {
                        *piece = numbering.wire(*piece);
                    }
                }
                _ => {}
            }
        }
        message
    }
}
