//! Numbers without the tables that exact conversion between decimals and doubles needs: a sixth of the WebAssembly
//! module, for digits that no time and hardly any claim has.

use core::fmt;

const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];
/// The greatest power of ten that is a double exactly.
const GREATEST_POWER: i32 = 22;

/// The double a JSON number stands for. Up to 15 digits and an exponent of 22 both steps below are exact, so the result
/// is the nearest double (Clinger, "How to Read Floating Point Numbers Accurately", 1990, fast path).
pub(super) fn read(text: &str) -> f64 {
    let (mantissa, exponent) = decimal(text);
    let magnitude = scale(mantissa, exponent);
    if text.starts_with('-') { -magnitude } else { magnitude }
}

/// The first 18 significant digits as an integer, and the power of ten that belongs to it.
fn decimal(text: &str) -> (u64, i32) {
    const ENOUGH: u64 = 100_000_000_000_000_000;
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    // JSON's grammar was checked, so what does not fit here is only too large.
    let huge = if exponent.starts_with('-') { -9999 } else { 9999 };
    let mut exponent = exponent.parse::<i32>().unwrap_or(huge).clamp(-9999, 9999);
    let mut mantissa = 0;
    let mut in_fraction = false;
    for byte in digits.bytes() {
        match byte {
            b'.' => in_fraction = true,
            b'0'..=b'9' if mantissa < ENOUGH => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                exponent = exponent.saturating_sub(i32::from(in_fraction));
            }
            b'0'..=b'9' => exponent = exponent.saturating_add(i32::from(!in_fraction)),
            _ => {}
        }
    }
    (mantissa, exponent)
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "rounds to nearest, as wanted")]
fn scale(mantissa: u64, mut exponent: i32) -> f64 {
    let mut value = mantissa as f64;
    let power = |exponent: i32| usize::try_from(exponent).ok().and_then(|index| POWERS_OF_TEN.get(index)).copied();
    while exponent != 0 && value != 0.0 && value.is_finite() {
        let step = exponent.clamp(-GREATEST_POWER, GREATEST_POWER);
        let factor = power(step.abs()).unwrap_or(1.0);
        if step < 0 {
            value /= factor;
        } else {
            value *= factor;
        }
        exponent -= step;
    }
    value
}

/// For people: whole numbers as they are up to 2^53, others cut to three decimals.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "saturates; the range was checked")]
pub(crate) fn write(out: &mut impl fmt::Write, number: f64) -> fmt::Result {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.is_nan() || number.abs() > EXACT {
        return out.write_str(if number > 0.0 { "more than 2^53" } else { "less than -2^53" });
    }
    let whole = number.abs() as i64;
    let thousandths = (number.abs() % 1.0 * 1000.0) as i64;
    let sign = if number < 0.0 { "-" } else { "" };
    write!(out, "{sign}{whole}")?;
    match thousandths {
        0 => Ok(()),
        _ => write!(out, ".{thousandths:03}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use alloc::format;
    use alloc::string::String;

    #[test]
    fn short_numbers_are_read_exactly() {
        for text in [
            "0",
            "-0",
            "1",
            "-1",
            "1760000000",
            "1760000000.123",
            "0.1",
            "0.3",
            "1e22",
            "5e-7",
            "9007199254740992",
            "1.5E+3",
            "123456789012345",
            "-0.000001",
            "4.35",
            "2.5e-22",
        ] {
            assert_eq!(read(text).to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
    }

    #[test]
    fn long_numbers_are_read_closely() {
        for text in
            ["0.30000000000000004", "1.7976931348623157e308", "2.2250738585072014e-308", "12345678901234567890123"]
        {
            let exact = text.parse::<f64>().unwrap();
            assert!(((read(text) - exact) / exact).abs() < 1e-14, "{text}");
        }
    }

    #[test]
    fn numbers_beyond_doubles_are_infinite_or_zero() {
        assert!(read("1e400").is_infinite());
        assert!(read("-1e99999999999").is_infinite());
        assert!(read(&format!("1{}", "0".repeat(400))).is_infinite());
        assert!(read("1e-400") == 0.0);
        assert!(read("1e-99999999999") == 0.0);
        assert!(read("0e99999999999") == 0.0);
        assert!((read(&format!("0.{}1e5000", "0".repeat(4999))) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn people_see_three_decimals() {
        for (number, shown) in
            [(1.0, "1"), (-0.5, "-0.500"), (1_760_000_000.25, "1760000000.250"), (1e300, "more than 2^53")]
        {
            let mut out = String::new();
            write(&mut out, number).unwrap();
            assert_eq!(out, shown);
        }
    }
}
