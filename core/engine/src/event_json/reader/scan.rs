//! Looking at eight bytes at once: where a text ends, and what a row of digits says.
//!
//! A loop over bytes ends at another place in each line, which the processor cannot foresee; eight bytes in one word end in a count.
//! (Lamport, "Multiple byte processing with full-word instructions", CACM 1975, has the arithmetic; Langdale and Lemire, "Parsing
//! gigabytes of JSON per second", VLDB Journal 2019, the use.)

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = 0x8080_8080_8080_8080;

/// Ten to the number of digits in a word.
const TENS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// How many bytes of a text come that stand for themselves: up to a quote, a backslash, or a control, which may not stand there.
#[inline(always)]
pub(super) fn plain(bytes: &[u8]) -> usize {
    let (mut at, mut rest) = (0, bytes);
    while let Some((word, after)) = rest.split_first_chunk() {
        let n = before(special(u64::from_le_bytes(*word)));
        at += n;
        if n < 8 {
            return at;
        }
        rest = after;
    }
    at + rest.iter().position(|b| *b < b' ' || matches!(b, b'"' | b'\\')).unwrap_or(rest.len())
}

/// A row of digits: how many there are, and the number that they say, if these are no more than nineteen.
#[inline(always)]
pub(super) fn digits(bytes: &[u8]) -> (usize, u64) {
    let (mut at, mut number, mut rest) = (0, 0_u64, bytes);
    while let Some((word, after)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*word) ^ (ONES * u64::from(b'0'));
        let n = before(above_nine(word));
        at += n;
        // Of no digits there is nothing to shift to: what is left then is multiplied by one, and not nothing.
        number = number.wrapping_mul(TENS.get(n).copied().unwrap_or(1));
        if n < 8 {
            return (at, if n == 0 { number } else { number.wrapping_add(eight(word << (64 - 8 * n))) });
        }
        number = number.wrapping_add(eight(word));
        rest = after;
    }
    for digit in rest.iter().take_while(|b| b.is_ascii_digit()) {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        at += 1;
    }
    (at, number)
}

/// What is left behind fewer than eight digits; `None`: there are more.
#[inline(always)]
pub(super) fn after_few_digits(bytes: &[u8]) -> Option<&[u8]> {
    let n = match bytes.first_chunk() {
        Some(word) => before(above_nine(u64::from_le_bytes(*word) ^ (ONES * u64::from(b'0')))),
        None => bytes.iter().position(|b| !b.is_ascii_digit())?,
    };
    if n < 8 { bytes.get(n..) } else { None }
}

/// How many digits come.
#[inline(always)]
pub(super) fn count_digits(bytes: &[u8]) -> usize {
    let (mut at, mut rest) = (0, bytes);
    while let Some((word, after)) = rest.split_first_chunk() {
        let n = before(above_nine(u64::from_le_bytes(*word) ^ (ONES * u64::from(b'0'))));
        at += n;
        if n < 8 {
            return at;
        }
        rest = after;
    }
    at + rest.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// Marks, in its highest bit, the first byte that does not stand for itself in a text. What is marked above it may be wrong.
#[inline(always)]
fn special(word: u64) -> u64 {
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    let (quote, backslash) = (word ^ (ONES * u64::from(b'"')), word ^ (ONES * u64::from(b'\\')));
    let control = word.wrapping_sub(ONES * u64::from(b' ')) & !word;
    (zero(quote) | zero(backslash) | control) & TOPS
}

/// Marks the first byte above nine likewise.
#[inline(always)]
fn above_nine(word: u64) -> u64 {
    (word.wrapping_add(ONES * (0x7f - 9)) | word) & TOPS
}

/// How many bytes come before the first that is marked; 8: none is.
#[inline(always)]
fn before(marks: u64) -> usize {
    // At most 8.
    usize::try_from(marks.trailing_zeros() / 8).unwrap_or(8)
}

/// The number that eight digits say, each in a byte, the first one lowest.
#[inline(always)]
fn eight(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10 * 0x100 + 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100 * 0x1_0000 + 1) >> 16 & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000 * 0x1_0000_0000 + 1) >> 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn special_byte(b: u8) -> bool {
        b < 0x20 || b == b'"' || b == b'\\'
    }

    #[test]
    fn every_byte_is_what_it_is_at_each_place() {
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                let mut text = [b'x'; 20];
                text[at] = byte;
                assert_eq!(plain(&text), if special_byte(byte) { at } else { 20 }, "{byte} at {at}");
                let mut row = [b'7'; 20];
                row[at] = byte;
                let n = if byte.is_ascii_digit() { 20 } else { at };
                assert_eq!((count_digits(&row), digits(&row).0), (n, n), "{byte} at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn as_byte_by_byte(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(plain(&bytes), bytes.iter().position(|b| special_byte(*b)).unwrap_or(bytes.len()));
        }

        #[test]
        fn numbers(n in any::<u64>(), digits_of in 0..20_u32, after in "[^0-9]{0,12}") {
            let n = n % 10_u64.pow(digits_of.min(19));
            let text = format!("{n}{after}");
            prop_assert_eq!(digits(text.as_bytes()), (n.to_string().len(), n));
            prop_assert_eq!(count_digits(text.as_bytes()), n.to_string().len());
        }
    }
}
