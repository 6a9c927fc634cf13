//! Messages in pieces. `core::fmt` has the same done at run time, which is 2 kB of a WebAssembly module with Brotli.

use alloc::string::String;

use crate::error::{brief, shown};
use crate::json::{Value, shown_number};

/// What stands in place of a `{}`.
pub(crate) enum Piece<'a> {
    /// Text of ours, copied as it is: braces in it mean nothing.
    Text(&'a str),
    /// Text of a stranger's, shortened, quoted and escaped.
    Shown(&'a str),
    /// A key's `kid`, if it has one: a stranger's text as well.
    Kid(Option<&'a str>),
    /// A value as JSON, or only its kind where that would be long.
    Brief(&'a Value<'a>),
    /// A number, with at most three decimals.
    Number(f64),
    /// A number of things, or a place (`byte 7`).
    Count(usize),
}

/// The template, with the pieces in place of its `{}`, in order.
pub(crate) fn filled(template: &str, pieces: &[Piece<'_>]) -> String {
    debug_assert_eq!(template.matches("{}").count(), pieces.len(), "{template}");
    let mut pieces = pieces.iter();
    let mut text = String::with_capacity(64);
    for character in template.chars() {
        match character {
            '{' => match pieces.next() {
                Some(Piece::Text(piece)) => text.push_str(piece),
                Some(Piece::Shown(piece) | Piece::Kid(Some(piece))) => text.push_str(&shown(piece)),
                Some(Piece::Kid(None)) => text.push_str("(none)"),
                Some(Piece::Brief(value)) => text.push_str(&brief(value)),
                Some(Piece::Number(number)) => text.push_str(&shown_number(*number)),
                Some(Piece::Count(count)) => text.push_str(&decimal(u64::try_from(*count).unwrap_or(u64::MAX))),
                None => {}
            },
            '}' => {}
            _ => text.push(character),
        }
    }
    text
}

/// A number in decimal digits.
pub(crate) fn decimal(number: u64) -> String {
    let mut rest = number;
    let mut reversed = [b'0'; 20];
    let mut length = 0;
    for place in &mut reversed {
        *place = digit(rest % 10);
        length += 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    reversed.iter().take(length).rev().map(|digit| char::from(*digit)).collect()
}

/// A digit up to 15, in hexadecimal beyond 9.
pub(crate) fn digit(value: u64) -> u8 {
    b"0123456789abcdef".get(usize::try_from(value).unwrap_or_default()).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::Piece::{Count, Shown, Text};
    use super::{decimal, digit, filled};

    #[test]
    fn pieces_and_numbers_are_written_as_fmt_writes_them() {
        assert_eq!(filled("", &[]), "");
        assert_eq!(
            filled("{}, \u{2026}{}{}{}", &[Text("{}"), Shown("{\"}"), Text("\u{e9}"), Count(10)]),
            "{}, \u{2026}\"{\\\"}\"\u{e9}10"
        );
        for number in [0, 1, 9, 10, 99, 100, 1_048_576, u64::MAX - 1, u64::MAX] {
            assert_eq!(decimal(number), number.to_string());
        }
        assert_eq!(filled("{}", &[Count(usize::MAX)]), usize::MAX.to_string());
        assert_eq!(
            (0..16).map(|value| char::from(digit(value))).collect::<alloc::string::String>(),
            "0123456789abcdef"
        );
    }
}
