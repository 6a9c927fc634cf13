//! Powers: numbers as words come in, and go out below the modulus.

use crate::lanes::Lanes;
use crate::multiply::{Constants, LIMB_BITS, MARGIN, MASK, MOST, TWO51, Work};

/// The base to the power of 2^squarings + 1, modulo n. Words are little-endian, the result as many as the base. `work.number` is
/// R^2 mod n. `None` where it came out wrong, which it does only where products are not fused.
pub(crate) fn power(work: &mut Work, n: &[f64], base: &[u64], squarings: u32, result: &mut [u64]) -> Option<()> {
    for (place, limb) in (MARGIN..MARGIN + work.width).rev().zip(limbs(base)) {
        *work.factor.get_mut(place)? = limb;
    }
    work.multiply(false)?;
    for _ in 0..squarings {
        work.multiply(true)?;
    }
    work.multiply(false)?;
    write(remainder(work, n)?.get(..work.width)?, result);
    Some(())
}

/// number mod n. The number is less than 1.01 * 2^51 * n in size.
fn remainder(work: &Work, n: &[f64]) -> Option<[i64; MOST]> {
    let number = work.number.get(MARGIN..MARGIN + work.width)?;
    let top = n.iter().rposition(|limb| *limb != 0.0)?;
    let leading = |limbs: &mut dyn Iterator<Item = f64>| limbs.fold(0.0, |sum, limb| sum * TWO51 + limb);
    let places = (top - 2..work.width.min(top + 3)).rev();
    let dividend = leading(&mut places.clone().filter_map(|at| number.get(at)).map(|pair| first(*pair)));
    let divisor = leading(&mut places.filter_map(|at| n.get(at)).copied());
    // The quotient is right but for one or two.
    let rounder = 3.0 * TWO51;
    let quotient = (dividend / divisor + rounder) - rounder;
    let constants = Constants::new();
    let mut all = [0; MOST];
    let columns = all.get_mut(..work.width)?;
    let mut before = 0;
    for ((column, limb), factor) in columns.iter_mut().zip(number).zip(n) {
        let [low, high] = constants.halves(-quotient, *factor);
        *column = whole(first(*limb)) + low + before;
        before = high;
    }
    // Between -2n and 2n.
    if carry(columns) {
        add(columns, n, 1);
        if carry(columns) {
            add(columns, n, 1);
            if carry(columns) {
                return None;
            }
        }
    }
    let mut is_below = false;
    for _ in 0..3 {
        add(columns, n, -1);
        is_below = carry(columns);
        if is_below {
            break;
        }
    }
    add(columns, n, 1);
    if !is_below || carry(columns) {
        return None;
    }
    Some(all)
}

/// The limbs of little-endian words, without a sign.
fn limbs(words: &[u64]) -> impl Iterator<Item = f64> {
    (0..).step_by(LIMB_BITS).map(|bit| {
        let word = |index: usize| words.get(index).copied().unwrap_or_default();
        let (index, shift) = (bit / 64, bit % 64);
        let both = u128::from(word(index)) | u128::from(word(index + 1)) << 64;
        double(low_bits(both >> shift) & MASK)
    })
}

fn write(limbs: &[i64], words: &mut [u64]) {
    for (word, bit) in words.iter_mut().zip((0..).step_by(64)) {
        let limb = |index: usize| limbs.get(index).copied().unwrap_or_default().cast_unsigned();
        let (index, shift) = (bit / LIMB_BITS, bit % LIMB_BITS);
        *word = limb(index) >> shift | limb(index + 1) << (51 - shift);
        if shift > 38 {
            *word |= limb(index + 2) << (102 - shift);
        }
    }
}

fn first(pair: Lanes) -> f64 {
    let [first, _] = pair.doubles();
    first
}

/// Carries, to limbs from 0 to 2^51; says whether the number is negative.
#[inline(never)]
fn carry(columns: &mut [i64]) -> bool {
    let mut carried = 0;
    for column in columns {
        let sum = *column + carried;
        *column = sum & MASK;
        carried = sum >> LIMB_BITS;
    }
    carried < 0
}

#[inline(never)]
fn add(columns: &mut [i64], n: &[f64], times: i64) {
    for (column, limb) in columns.iter_mut().zip(n) {
        *column += times * whole(*limb);
    }
}

#[expect(clippy::as_conversions, reason = "limbs are integers below 2^53")]
fn whole(limb: f64) -> i64 {
    limb as i64
}

#[expect(clippy::as_conversions, reason = "limbs are integers below 2^53")]
fn double(limb: i64) -> f64 {
    limb as f64
}

#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the rest is other limbs'")]
fn low_bits(words: u128) -> i64 {
    words as i64
}
