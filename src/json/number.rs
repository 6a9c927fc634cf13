//! Numbers as the doubles nearest to them. The tables this takes are a sixth of a WebAssembly module, and the JavaScript
//! around it has them already: there, what is not a plain integer is read by JavaScript.

use alloc::string::String;

use crate::text::decimal;

#[cfg(all(feature = "wasm", target_arch = "wasm32"))]
use crate::wasm::read_number as read_any;

/// The double a JSON number stands for.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "rounds to nearest, as wanted")]
pub(super) fn read(text: &str) -> f64 {
    text.parse::<u64>().map_or_else(|_| read_any(text), |integer| integer as f64)
}

/// JSON's grammar was checked, and is a part of Rust's.
#[cfg(not(all(feature = "wasm", target_arch = "wasm32")))]
fn read_any(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

/// For people: whole numbers as they are up to 2^53, others cut to three decimals.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates; the range was checked"
)]
pub(super) fn write(out: &mut String, number: f64) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.is_nan() || number.abs() > EXACT {
        return out.push_str(if number > 0.0 { "more than 2^53" } else { "less than -2^53" });
    }
    let thousandths = (number.abs() % 1.0 * 1000.0) as u64;
    if number < 0.0 {
        out.push('-');
    }
    out.push_str(&decimal(number.abs() as u64));
    if thousandths != 0 {
        out.push('.');
        out.extend(decimal(1000 + thousandths).chars().skip(1));
    }
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use alloc::format;
    use alloc::string::String;

    #[test]
    fn numbers_are_read_exactly() {
        for (text, number) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("-1", -1.0),
            ("1760000000.123", 1_760_000_000.123),
            ("1.5E+3", 1500.0),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
            ("0.1000000000000000055511151231257827", 0.1),
            ("1.7976931348623157e308", f64::MAX),
            ("5e-324", f64::from_bits(1)),
        ] {
            assert_eq!(read(text).to_bits(), number.to_bits(), "{text}");
        }
        assert_eq!(read(&format!("1{}", "0".repeat(300))).to_bits(), read("1e300").to_bits());
    }

    #[test]
    fn numbers_beyond_doubles_are_infinite_or_zero() {
        assert!(read("1e400").is_infinite());
        assert!(read("-1e99999999999").is_infinite());
        assert!(read(&format!("1{}", "0".repeat(400))).is_infinite());
        assert!(read("1e-400") == 0.0);
        assert!(read("1e-99999999999") == 0.0);
        assert!(read("0e99999999999") == 0.0);
        assert_eq!(read(&format!("0.{}1e5000", "0".repeat(4999))).to_bits(), 1_f64.to_bits());
    }

    #[test]
    fn people_see_three_decimals() {
        for (number, shown) in
            [(1.0, "1"), (-0.5, "-0.500"), (1_760_000_000.25, "1760000000.250"), (1e300, "more than 2^53")]
        {
            let mut out = String::new();
            write(&mut out, number);
            assert_eq!(out, shown);
        }
    }
}
