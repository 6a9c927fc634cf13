//! A modulus: what is computed once for each, and how numbers come in and out.

use alloc::vec;
use alloc::vec::Vec;
use core::iter::repeat_n;

use super::columns::{BASE, EXACT, LIMB_BITS, ROWS};
use super::montgomery;
use super::pair::Pair;

/// An odd number of 2048 to 8192 bits.
pub(super) struct Modulus {
    /// Balanced; the topmost has 6 bits to spare.
    limbs: Vec<f64>,
    /// 2^-96 mod n, then R^2 mod n, each as long as a number for [`montgomery::power`].
    constants: Vec<f64>,
}

impl Modulus {
    /// From big-endian bytes without leading zeros.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let unused = bytes.first().map_or(0, |first| first.leading_zeros() as usize);
        let bits = bytes.len() * 8 - unused;
        let limbs = number(bytes, (bits + 6).div_ceil(LIMB_BITS));
        let width = (limbs.len() + ROWS).next_multiple_of(ROWS);
        let mut constants = inverse_of_rows(bytes, &limbs, ROWS);
        constants.resize(width, 0.0);
        let mut modulus = Self { limbs, constants };
        let mut r_squared = modulus.square_of_r(width);
        modulus.constants.append(&mut r_squared);
        modulus
    }

    /// `encoded` to the power of `exponent`, both big-endian and as long as n. The base is less than n, the exponent odd and
    /// not 1.
    pub(super) fn power(&self, encoded: &[u8], exponent: u32) -> Vec<u8> {
        let width = self.constants.len() / 2;
        let mut numbers = self.constants.clone();
        numbers.append(&mut number(encoded, width));
        montgomery::power(&mut numbers, exponent, &mut vec![Pair::ZERO; montgomery::room(width)]);
        numbers.truncate(width);
        self.reduce(&mut numbers);
        let mut bytes = self.bytes(&numbers);
        bytes.split_off(bytes.len() - encoded.len())
    }

    /// R = 2^24w, w the limbs of a number: 2^30w mod n is found by division, and its fourth power is 2^120w.
    fn square_of_r(&self, width: usize) -> Vec<f64> {
        let mut number = vec![0.0; width + width / 4 + 1];
        if let Some(top) = number.last_mut() {
            *top = 1.0;
        }
        self.reduce(&mut number);
        balance(&mut number);
        number.resize(width, 0.0);
        montgomery::fourth_power(&self.constants, &mut number, &mut vec![Pair::ZERO; montgomery::room(width)]);
        number
    }

    /// 2^bits mod n, big-endian; -120 bits or more.
    pub(super) fn power_of_two(&self, encoded: &[u8], bits: i32) -> Vec<u8> {
        let more = (bits + 120) as usize;
        let factor = f64::from(1_u32 << (more % LIMB_BITS));
        let mut number = inverse_of_rows(encoded, &self.limbs, 5);
        number.iter_mut().for_each(|limb| *limb *= factor);
        number.push(0.0);
        balance(&mut number);
        // By divisions of fewer than 120 quotients.
        let mut zeros = more / LIMB_BITS;
        loop {
            let part = zeros.min(100);
            number.splice(0..0, repeat_n(0.0, part));
            self.reduce(&mut number);
            balance(&mut number);
            if part == zeros {
                return self.bytes(&number);
            }
            zeros -= part;
        }
    }

    /// Division by n: leaves a number of the size of n/2 at most, give or take a millionth, as columns. `number` is less than
    /// n * 2^(24 * d + 7) in size, d the difference of their limbs, with balanced limbs.
    fn reduce(&self, number: &mut Vec<f64>) {
        let n = &self.limbs;
        let divisor = leading(n);
        number.push(0.0);
        for low in (0..number.len() - n.len()).rev() {
            let part = &mut number[low..=low + n.len()];
            // Four carries, so that the quotient sees 96 bits. All the columns stay exact: there are fewer than 120 quotients
            // of at most 2^23 + 2^6.
            let top = part.len() - 5;
            balance(&mut part[top..]);
            let quotient = round((part[n.len()] * BASE + leading(&part[..n.len()])) / divisor);
            for (column, limb) in part.iter_mut().zip(n) {
                *column -= quotient * limb;
                debug_assert!(column.abs() <= EXACT);
            }
            // What is left there is known to be a few units of the limb below.
            part[n.len() - 1] += part[n.len()] * BASE;
        }
        number.truncate(n.len());
    }

    /// Big-endian, as long as n's limbs, of columns of a number between -n and n.
    fn bytes(&self, columns: &[f64]) -> Vec<u8> {
        let mut bytes = vec![0; columns.len() * LIMB_BITS / 8];
        let mut is_negative = write(columns.iter().map(|column| *column as i64), &mut bytes);
        if is_negative {
            let sums = columns.iter().zip(&self.limbs).map(|(column, limb)| (column + limb) as i64);
            is_negative = write(sums, &mut bytes);
        }
        debug_assert!(!is_negative);
        bytes
    }
}

/// 2^-24r mod n = (n * k + 1) / 2^24r, with k = -1/n mod 2^24r, for up to 5 rows.
fn inverse_of_rows(bytes: &[u8], limbs: &[f64], rows: usize) -> Vec<f64> {
    let low = bytes.iter().rev().take(16).rev().fold(0, |low: u128, byte| low << 8 | u128::from(*byte));
    // Newton's iteration: n is its own inverse modulo 8, and each round doubles the bits.
    let inverse = (0..6).fold(low, |x, _| x.wrapping_mul(2_u128.wrapping_sub(low.wrapping_mul(x))));
    let k = inverse.wrapping_neg();
    let mut columns = vec![0.0; limbs.len() + rows];
    for row in 0..rows {
        let digit = (k >> (row * LIMB_BITS)) as u32 & 0xff_ffff;
        for (column, limb) in columns[row..].iter_mut().zip(limbs) {
            *column += f64::from(digit) * limb;
        }
    }
    columns[0] += 1.0;
    balance(&mut columns);
    columns.split_off(rows)
}

/// Balanced limbs of a big-endian number.
fn number(bytes: &[u8], limbs: usize) -> Vec<f64> {
    let mut number: Vec<f64> = bytes
        .rchunks(LIMB_BITS / 8)
        .map(|chunk| f64::from(chunk.iter().fold(0, |limb: u32, byte| limb << 8 | u32::from(*byte))))
        .collect();
    number.resize(limbs, 0.0);
    balance(&mut number);
    number
}

/// Carries, one after the other; the last keeps its own.
fn balance(columns: &mut [f64]) {
    let mut carried = 0.0;
    let Some((last, columns)) = columns.split_last_mut() else { return };
    for column in columns {
        *column += carried;
        carried = round(*column / BASE);
        *column -= carried * BASE;
    }
    *last += carried;
}

/// Writes columns as a big-endian number; says whether it was negative.
fn write(columns: impl Iterator<Item = i64>, bytes: &mut [u8]) -> bool {
    let mut carried = 0;
    for (column, bytes) in columns.zip(bytes.rchunks_exact_mut(LIMB_BITS / 8)) {
        let sum = column + carried;
        bytes.copy_from_slice(&(sum as u32).to_be_bytes()[1..]);
        carried = sum >> LIMB_BITS;
    }
    carried < 0
}

/// The first limbs of a number, as one.
fn leading(limbs: &[f64]) -> f64 {
    limbs.iter().rev().take(4).rev().fold(0.0, |sum, limb| sum / BASE + limb)
}

/// To an integer, of less than 2^51: what `f64::round_ties_even` does where there is `std`.
fn round(value: f64) -> f64 {
    const ROUNDER: f64 = 1.5 * 4_503_599_627_370_496.0;
    (value + ROUNDER) - ROUNDER
}
