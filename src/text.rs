//! Messages in pieces. `core::fmt` has the same done at run time, which is 2 kB of a WebAssembly module with Brotli.

use alloc::string::String;

/// The template, with the values in place of its `{}`, in order. A value is text: what it holds is not looked at.
pub(crate) fn filled(template: &str, values: &[&str]) -> String {
    debug_assert_eq!(template.matches("{}").count(), values.len(), "{template}");
    let mut values = values.iter();
    let mut text = String::with_capacity(64);
    for character in template.chars() {
        match character {
            '{' => text.push_str(values.next().copied().unwrap_or_default()),
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

/// A count of things in memory.
pub(crate) fn count(number: usize) -> String {
    decimal(u64::try_from(number).unwrap_or(u64::MAX))
}

/// A digit up to 15, in hexadecimal beyond 9.
pub(crate) fn digit(value: u64) -> u8 {
    b"0123456789abcdef".get(usize::try_from(value).unwrap_or_default()).copied().unwrap_or(b'0')
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{count, decimal, digit, filled};

    #[test]
    fn pieces_and_numbers_are_written_as_fmt_writes_them() {
        assert_eq!(filled("", &[]), "");
        assert_eq!(filled("{}, \u{2026}{}{}", &["{}", "", "\u{e9}"]), "{}, \u{2026}\u{e9}");
        for number in [0, 1, 9, 10, 99, 100, 1_048_576, u64::MAX - 1, u64::MAX] {
            assert_eq!(decimal(number), number.to_string());
        }
        assert_eq!(count(usize::MAX), usize::MAX.to_string());
        assert_eq!(
            (0..16).map(|value| char::from(digit(value))).collect::<alloc::string::String>(),
            "0123456789abcdef"
        );
    }
}
