//! Arithmetic modulo an odd number of 2048 to 8192 bits, by Montgomery's method ("Modular multiplication without trial
//! division", 1985) a step of four limbs at a time: what stands in the lowest limbs is not cancelled by a multiple of n, but
//! taken out and put back, times 2^-96 mod n, above them. That needs no quotient, and its digits may be signed.

use alloc::vec;
use alloc::vec::Vec;

use super::columns::{BASE, EXACT, LIMB_BITS, Operand, PRODUCTS, ROWS, STEP, add_rows, carry, rows, settle, take_step};
use super::pair::Pair;

/// An odd modulus n.
///
/// Numbers modulo n have `pairs` pairs of balanced limbs, are not unique, and less than 0.51 * 2^96 * n in size: the limbs of
/// n and a step more. [`Modulus::reduce`] makes them unique.
pub(super) struct Modulus {
    /// Balanced; the topmost has 6 bits to spare.
    limbs: Vec<f64>,
    pairs: usize,
    /// 2^-96 mod n
    fold: Operand,
    /// R^2 mod n; R = 2^(48 * pairs)
    r_squared: Vec<Pair>,
}

/// What a computation works in.
struct Work {
    number: Vec<Pair>,
    /// `number` again, for the next multiplication.
    operand: Operand,
    columns: Vec<Pair>,
}

impl Modulus {
    /// From big-endian bytes without leading zeros; the number is odd and has at least 2048 bits.
    pub(super) fn new(bytes: &[u8]) -> Self {
        let unused = bytes.first().map_or(0, |first| first.leading_zeros() as usize);
        let bits = bytes.len() * 8 - unused;
        let limbs = number(bytes, (bits + 6).div_ceil(LIMB_BITS));
        let pairs = (limbs.len() + ROWS).next_multiple_of(ROWS) / 2;
        let folded = in_pairs(&inverse_of_step(bytes, &limbs));
        let mut fold = Operand::new(folded.len().next_multiple_of(2));
        fold.set(&folded);
        let mut modulus = Self { limbs, pairs, fold, r_squared: Vec::new() };
        modulus.r_squared = modulus.square_of_r();
        modulus
    }

    /// `encoded` to the power of `exponent`, both big-endian and as long as n. The base is less than n, the exponent odd and
    /// not 1.
    pub(super) fn power(&self, encoded: &[u8], exponent: u32) -> Vec<u8> {
        let base = in_pairs(&number(encoded, 2 * self.pairs));
        let mut work = self.work();
        work.load(&self.r_squared);
        self.multiply(&mut work, &base);
        // The square-and-multiply method, from the top; the lowest bit is the last multiplication.
        let middle = exponent & !1 & !(1 << exponent.ilog2());
        let montgomery = if middle == 0 { Vec::new() } else { work.number.clone() };
        for bit in (0..exponent.ilog2()).rev() {
            self.square(&mut work);
            if middle & (1 << bit) != 0 {
                self.multiply(&mut work, &montgomery);
            }
        }
        // By the base itself: that leaves Montgomery form.
        self.multiply(&mut work, &base);
        let mut number: Vec<f64> = work.number.iter().flat_map(|pair| pair.lanes()).collect();
        self.reduce(&mut number);
        let mut bytes = self.bytes(&number);
        bytes.split_off(bytes.len() - encoded.len())
    }

    /// number * by / R
    fn multiply(&self, work: &mut Work, by: &[Pair]) {
        work.columns.fill(Pair::ZERO);
        for (chunk, limbs) in by.chunks((PRODUCTS - 1) / ROWS * STEP).enumerate() {
            let first = chunk * ((PRODUCTS - 1) / ROWS * STEP);
            for (step, limbs) in limbs.as_chunks().0.iter().enumerate() {
                let low = first + step * STEP;
                add_rows(&mut work.columns[low..low + self.pairs + STEP], &rows(*limbs), work.operand.from(0));
            }
            carry(&mut work.columns[first..]);
        }
        self.fold(work);
    }

    /// number^2 / R. Products of different limbs are added once, doubled: a step's rows are doubled, its own limbs in the
    /// operand halved, and those below it are zero by then.
    fn square(&self, work: &mut Work) {
        work.columns.fill(Pair::ZERO);
        // A column has one product for each limb, if there are no more of them; else two for each row.
        let chunk_pairs = if 2 * self.pairs < PRODUCTS { self.pairs } else { (PRODUCTS - 1) / 2 / ROWS * STEP };
        for (chunk, limbs) in work.number.chunks(chunk_pairs).enumerate() {
            let first = chunk * chunk_pairs;
            for (step, limbs) in limbs.as_chunks().0.iter().enumerate() {
                let low = first + step * STEP;
                work.operand.scale(low, 0.5);
                let columns = &mut work.columns[2 * low..low + self.pairs + STEP];
                add_rows(columns, &rows(limbs.map(|pair| pair.plus(pair))), work.operand.from(low));
                work.operand.scale(low, 0.0);
            }
            carry(&mut work.columns[2 * first..]);
        }
        self.fold(work);
    }

    /// Montgomery's reduction: columns / R.
    fn fold(&self, work: &mut Work) {
        let operand = self.fold.from(0);
        let width = operand.len() - 1;
        let mut columns = &mut work.columns[..];
        let mut step = take_step(columns);
        for steps_after in (0..self.pairs / STEP).rev() {
            columns = &mut columns[STEP..];
            add_rows(&mut columns[..STEP], &step, operand);
            // The next step is known here: its long chain of operations runs beside the many additions.
            let next = if steps_after > 0 { take_step(columns) } else { step };
            add_rows(&mut columns[STEP..width], &step, &operand[STEP..]);
            step = next;
            if steps_after > 0 && steps_after.is_multiple_of((PRODUCTS - 1) / ROWS) {
                carry(&mut columns[STEP..]);
            }
        }
        settle(columns, &mut work.number, &mut work.operand);
    }

    /// 2^(48 * pairs + 12 * pairs) mod n is found by division, then squared twice.
    fn square_of_r(&self) -> Vec<Pair> {
        let mut start = vec![0.0; 2 * self.pairs + self.pairs / 2 + 1];
        if let Some(top) = start.last_mut() {
            *top = 1.0;
        }
        self.reduce(&mut start);
        balance(&mut start);
        start.resize(2 * self.pairs, 0.0);
        let mut work = self.work();
        work.load(&in_pairs(&start));
        self.square(&mut work);
        self.square(&mut work);
        work.number
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

    fn work(&self) -> Work {
        Work {
            number: vec![Pair::ZERO; self.pairs],
            operand: Operand::new(self.pairs),
            columns: vec![Pair::ZERO; 2 * self.pairs],
        }
    }
}

impl Work {
    fn load(&mut self, number: &[Pair]) {
        self.number.copy_from_slice(number);
        self.operand.set(number);
    }
}

/// 2^-96 mod n = (n * k + 1) / 2^96, with k = -1/n mod 2^96.
fn inverse_of_step(bytes: &[u8], limbs: &[f64]) -> Vec<f64> {
    let low = bytes.iter().rev().take(16).rev().fold(0, |low: u128, byte| low << 8 | u128::from(*byte));
    // Newton's iteration: n is its own inverse modulo 8, and each round doubles the bits.
    let inverse = (0..5).fold(low, |x, _| x.wrapping_mul(2_u128.wrapping_sub(low.wrapping_mul(x))));
    let k = inverse.wrapping_neg();
    let mut columns = vec![0.0; limbs.len() + ROWS];
    for row in 0..ROWS {
        let digit = (k >> (row * LIMB_BITS)) as u32 & 0xff_ffff;
        for (column, limb) in columns[row..].iter_mut().zip(limbs) {
            *column += f64::from(digit) * limb;
        }
    }
    columns[0] += 1.0;
    balance(&mut columns);
    columns.split_off(ROWS)
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

fn in_pairs(limbs: &[f64]) -> Vec<Pair> {
    let pair = |limbs: &[f64]| Pair::new(limbs[0], limbs.get(1).copied().unwrap_or_default());
    limbs.chunks(2).map(pair).collect()
}
