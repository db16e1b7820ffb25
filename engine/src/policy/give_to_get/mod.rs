//! `give-to-get`, both of its halves: whom to upload to, and which piece next. They are chosen apart.

mod choker;
mod selector;

pub(super) use choker::GiveToGet;
pub use choker::Rank;
pub(super) use selector::GiveToGetSets;
