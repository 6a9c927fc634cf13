//! What is computed of a modulus at compile time.

/// The limbs of a sum of `factor * 2^power`.
pub(in crate::engine::fast) const fn sum_of_powers<const L: usize>(
    limb_bits: usize,
    terms: &[(usize, i64)],
) -> [i64; L] {
    let mut limbs = [0; L];
    let mut at = 0;
    while at < terms.len() {
        let (power, factor) = terms[at];
        limbs[power / limb_bits] += factor << (power % limb_bits);
        at += 1;
    }
    limbs
}

/// The limbs of a hexadecimal number.
pub(in crate::engine::fast) const fn hexadecimal<const L: usize>(limb_bits: usize, digits: &str) -> [i64; L] {
    let digits = digits.as_bytes();
    let mut limbs = [0; L];
    let mut bit = 0;
    while bit < 4 * digits.len() {
        let digit = digits[digits.len() - 1 - bit / 4] as char;
        assert!(digit.is_ascii_hexdigit(), "not a hexadecimal digit");
        let value = match digit.to_digit(16) {
            Some(value) => value,
            None => 0,
        };
        if value >> (bit % 4) & 1 == 1 {
            limbs[bit / limb_bits] |= 1 << (bit % limb_bits);
        }
        bit += 1;
    }
    limbs
}

pub(super) const fn carry<const L: usize>(limbs: &[i64; L], limb_bits: usize) -> [i32; L] {
    let mut carried = [0; L];
    let mut sum = 0;
    let mut i = 0;
    while i < L {
        sum += limbs[i];
        carried[i] = if i + 1 < L { sum & ((1 << limb_bits) - 1) } else { sum } as i32;
        sum >>= limb_bits;
        i += 1;
    }
    carried
}

pub(in crate::engine::fast) const fn difference<const L: usize>(
    a: &[i32; L],
    b: &[i32; L],
    limb_bits: usize,
) -> [i32; L] {
    let mut limbs = [0; L];
    let mut i = 0;
    while i < L {
        limbs[i] = a[i] as i64 - b[i] as i64;
        i += 1;
    }
    carry(&limbs, limb_bits)
}

/// Each step doubles the number of right bits.
pub(super) const fn factor(lowest: i64, limb_bits: usize) -> i64 {
    let mut inverse = 1_i64;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2_i64.wrapping_sub(lowest.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg() & ((1 << limb_bits) - 1)
}

pub(super) const fn power_of_two<const L: usize>(power: usize, m: &[i32; L], limb_bits: usize) -> [i32; L] {
    let mut number = [0; L];
    number[0] = 1;
    let mut doublings = 0;
    while doublings < power {
        let mut limbs = [0; L];
        let mut i = 0;
        while i < L {
            limbs[i] = 2 * number[i] as i64;
            i += 1;
        }
        number = carry(&limbs, limb_bits);
        if !less(&number, m) {
            number = difference(&number, m, limb_bits);
        }
        doublings += 1;
    }
    number
}

/// Of limbs in `[0, 2^LIMB_BITS)`, the last of which may have any sign.
pub(super) const fn less<const L: usize>(a: &[i32; L], b: &[i32; L]) -> bool {
    let mut i = L;
    while i > 0 {
        i -= 1;
        if a[i] != b[i] {
            return a[i] < b[i];
        }
    }
    false
}
