//! The `swarmbed` command line: parsing and printing only.

fn main() {}
