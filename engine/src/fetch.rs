//! Where what will be read soon lies in memory, for a driver that has it fetched from there in time.
//!
//! Among thousands of peers, what a message touches lies in no cache, and one line is known only once the one before is
//! there: so it is told step by step. Nothing here changes anything, or decides anything.

use alloc::collections::VecDeque;

/// Bytes that come together.
const LINE: usize = 64;

/// What has memory fetched.
pub trait Fetch {
    /// The line at this address will be read, if anything is there.
    fn line(address: usize);

    /// So many bytes from there on will be.
    #[inline(always)]
    fn span(address: usize, bytes: usize) {
        let mut offset = 0;
        while offset < bytes {
            Self::line(address.wrapping_add(offset));
            offset += LINE;
        }
    }

    /// The first `bytes` of this will be, or all if it is smaller. What is no whole line long may begin in the middle of one.
    #[inline(always)]
    fn start<T>(of: &T, bytes: usize) {
        Self::front(core::slice::from_ref(of), bytes);
    }

    /// The bytes of this from one offset to another will be, both of which begin a line of it.
    #[inline(always)]
    fn part<T>(of: &T, bytes: core::ops::Range<usize>) {
        let address = core::ptr::from_ref(of).addr();
        Self::span(address.wrapping_add(bytes.start), bytes.end - bytes.start);
    }

    /// The first `bytes` of these will be, or all if they are fewer.
    #[inline(always)]
    fn front<T>(of: &[T], bytes: usize) {
        let address = of.as_ptr().addr();
        let bytes = bytes.min(size_of_val(of));
        Self::span(address, bytes);
        if align_of::<T>() < LINE && bytes > align_of::<T>() {
            Self::line(address.wrapping_add(bytes - 1));
        }
    }

    /// All of this will be.
    #[inline(always)]
    fn all<T>(of: &T) {
        Self::start(of, usize::MAX);
    }

    /// The item there will be, if there is one.
    #[inline(always)]
    fn item<T>(of: &[T], index: usize) {
        if let Some(item) = of.get(index) {
            Self::all(item);
        }
    }

    /// The first of a queue will be taken, and something will be put last.
    #[inline(always)]
    fn ends<T>(of: &VecDeque<T>) {
        Self::place(of.as_slices().0.as_ptr());
        Self::end(of);
    }

    /// Something will be put last.
    #[inline(always)]
    fn end<T>(of: &VecDeque<T>) {
        let (front, back) = of.as_slices();
        let last = if back.is_empty() { front } else { back };
        Self::place(last.as_ptr_range().end);
    }

    /// An item will be there, or is.
    #[inline(always)]
    fn place<T>(at: *const T) {
        Self::span(at.addr(), size_of::<T>());
        if align_of::<T>() < LINE {
            Self::line(at.addr().wrapping_add(size_of::<T>() - 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::{AtomicUsize, Ordering};

    static LINES: AtomicUsize = AtomicUsize::new(0);
    static BITS: AtomicUsize = AtomicUsize::new(0);
    static FROM: AtomicUsize = AtomicUsize::new(0);

    /// Counts the lines, and notes which of those after `FROM` they were.
    struct Noted;

    impl Fetch for Noted {
        fn line(address: usize) {
            LINES.fetch_add(1, Ordering::Relaxed);
            let line = address.wrapping_sub(FROM.load(Ordering::Relaxed)) / LINE;
            BITS.fetch_or(1 << line, Ordering::Relaxed);
        }
    }

    fn noted(from: usize, fetch: impl FnOnce()) -> (usize, usize) {
        FROM.store(from, Ordering::Relaxed);
        fetch();
        let lines = LINES.swap(0, Ordering::Relaxed);
        (lines, BITS.swap(0, Ordering::Relaxed))
    }

    #[repr(align(64))]
    struct Lines([u64; 32]);

    #[test]
    fn each_line_that_will_be_read_is_named_once() {
        let lines = Lines([0; 32]);
        let from = core::ptr::from_ref(&lines).addr();
        assert_eq!(noted(from, || Noted::all(&lines)), (4, 0b1111));
        assert_eq!(noted(from, || Noted::start(&lines, 100)), (2, 0b11));
        assert_eq!(noted(from, || Noted::part(&lines, 64..192)), (2, 0b110));
        // A word lies in one line; what is no whole line may lie in two.
        assert_eq!(noted(from, || Noted::item(&lines.0, 9)), (1, 0b10));
        let pairs: &[[u64; 5]] = lines.0.as_chunks().0;
        assert_eq!(noted(from, || Noted::item(pairs, 1)), (2, 0b11));
        assert_eq!(noted(from, || Noted::item(pairs, 6)), (0, 0));
        assert_eq!(noted(from, || Noted::front(pairs, usize::MAX)), (5, 0b1111));
        assert_eq!(noted(from, || Noted::front(pairs, 100)), (3, 0b11));
        assert_eq!(noted(from, || Noted::front(&pairs[..0], 100)), (0, 0));
        // Of a queue: its first, and the place behind its last.
        let mut queue: VecDeque<[u64; 8]> = VecDeque::with_capacity(4);
        queue.extend([[0; 8]; 3]);
        let from = queue.as_slices().0.as_ptr().addr();
        assert_eq!(noted(from, || Noted::ends(&queue)), (4, 0b1001));
        assert_eq!(noted(from, || Noted::end(&queue)), (2, 0b1000));
        // What is aligned to lines is in as few.
        let mut queue: VecDeque<Lines> = VecDeque::with_capacity(2);
        let from = queue.as_slices().0.as_ptr().addr();
        assert_eq!(noted(from, || Noted::end(&queue)), (4, 0b1111));
        queue.push_back(Lines([0; 32]));
        assert_eq!(noted(from, || Noted::end(&queue)), (4, 0b1111_0000));
    }
}
