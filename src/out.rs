//! Standard output, which may be closed before we are done (`swarmbed run … | head`): what is left to
//! say is then said to nobody, and the work and its files go on. Knows nothing of what is said.

use std::fmt::Arguments;
use std::io::Write as _;

/// Prints to standard output, if somebody still reads it.
pub(crate) fn print(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    // An answer that nobody reads is no error of ours.
    let _ = out.write_fmt(text).and_then(|()| out.flush());
}

/// `println!` that bears a closed standard output.
macro_rules! say {
    () => { $crate::out::print(format_args!("\n")) };
    ($($text:tt)*) => { $crate::out::print(format_args!("{}\n", format_args!($($text)*))) };
}
