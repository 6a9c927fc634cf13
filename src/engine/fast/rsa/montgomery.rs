//! Montgomery multiplication ("Modular multiplication without trial division", 1985), a step of four limbs at a time: what
//! stands in the lowest limbs is not cancelled by a multiple of n, but taken out and put back, times 2^-96 mod n, above them.
//! That needs no quotient, and the limbs may be signed.
//!
//! Numbers modulo n have balanced limbs, four at least more than n, are not unique, and less than 0.51 * 2^96 * n in size. Let
//! n have w - 4 limbs or fewer, the topmost with 6 bits to spare, and R = 2^24w. A product of two such numbers, divided by R,
//! is below 0.005 * 2^96 * n; what the last step puts back is 0.5 * 2^96 * n at most, the step before it 2^-96 of that.

use super::columns::{
    Entry, MARGIN, PRODUCTS, ROWS, STEP, add_rows, carry, part, part_mut, rows, scale, settle, take_step,
};
use super::pair::Pair;

/// So many steps may be added between two rounds of carries.
const MOST_STEPS: usize = (PRODUCTS - 1) / ROWS;

/// The room a computation with numbers of so many limbs needs, in pairs.
pub(super) const fn room(width: usize) -> usize {
    9 * (width / 2) + 4 * MARGIN
}

/// Raises a number to a power, modulo n. `numbers` are three of the same length, a multiple of [`ROWS`]: 2^-96 mod n, R^2
/// mod n, and the base. The power takes the place of the first. The exponent is odd and not 1. The room holds zeros.
#[inline(never)]
pub(super) fn power(numbers: &mut [f64], exponent: u32, room: &mut [Pair]) {
    let width = numbers.len() / 3;
    let (fold, rest) = numbers.split_at_mut(width);
    let (r_squared, encoded) = rest.split_at(width);
    let (base, room) = room.split_at_mut(width / 2);
    let (montgomery, room) = room.split_at_mut(width / 2);
    read(base, encoded);
    let mut work = Work::new(fold, r_squared, room);
    work.multiply(base);
    // Square and multiply, from the top; the lowest bit is the last multiplication.
    let middle = exponent & !1 & !(1 << exponent.ilog2());
    montgomery.copy_from_slice(work.number);
    for bit in (0..exponent.ilog2()).rev() {
        work.square();
        if middle & (1 << bit) != 0 {
            work.multiply(montgomery);
        }
    }
    // By the base itself: that leaves Montgomery form.
    work.multiply(base);
    write(fold, work.number);
}

/// number^4 / R^3, modulo n; `fold` is 2^-96 mod n.
pub(super) fn fourth_power(fold: &[f64], number: &mut [f64], room: &mut [Pair]) {
    let mut work = Work::new(fold, number, room);
    work.square();
    work.square();
    write(number, work.number);
}

fn read(number: &mut [Pair], limbs: &[f64]) {
    for (pair, [low, high]) in number.iter_mut().zip(limbs.as_chunks().0) {
        *pair = Pair::new(*low, *high);
    }
}

fn write(limbs: &mut [f64], number: &[Pair]) {
    for (limbs, pair) in limbs.as_chunks_mut().0.iter_mut().zip(number) {
        *limbs = pair.lanes();
    }
}

struct Work<'r> {
    number: &'r mut [Pair],
    /// `number` again, as the multiplicand of the next multiplication.
    operand: &'r mut [Entry],
    columns: &'r mut [Pair],
    /// 2^-96 mod n
    fold: &'r [Entry],
}

impl<'r> Work<'r> {
    fn new(fold: &[f64], limbs: &[f64], room: &'r mut [Pair]) -> Self {
        let pairs = limbs.len() / 2;
        let (number, room) = room.split_at_mut(pairs);
        let (columns, room) = room.split_at_mut(2 * pairs);
        let (operand, room) = room.split_at_mut(2 * (pairs + MARGIN));
        let (operand, folds) = (operand.as_chunks_mut().0, room.as_chunks_mut().0);
        read(columns, fold);
        settle(&columns[..pairs], number, folds);
        read(columns, limbs);
        settle(&columns[..pairs], number, operand);
        // As few steps as 2^-96 mod n has.
        let zeros = fold.as_chunks().0.iter().rev().take_while(|limbs| **limbs == [0.0; 2 * STEP]).count();
        Self { number, operand, columns, fold: &folds[..pairs - STEP * zeros + MARGIN] }
    }

    /// number * by / R
    fn multiply(&mut self, by: &[Pair]) {
        let pairs = self.number.len();
        let columns = &mut *self.columns;
        columns.fill(Pair::ZERO);
        for (chunk, limbs) in by.chunks(MOST_STEPS * STEP).enumerate() {
            let first = chunk * MOST_STEPS * STEP;
            for (step, limbs) in limbs.as_chunks().0.iter().enumerate() {
                let low = first + step * STEP;
                add_rows(part_mut(columns, low..low + pairs + STEP), &rows(*limbs), self.operand);
            }
            carry(&mut columns[first..]);
        }
        self.fold();
    }

    /// number^2 / R. Products of different limbs are added once, doubled: a step's rows are doubled, its own limbs in the
    /// operand halved, and those below it are zero by then.
    fn square(&mut self) {
        let pairs = self.number.len();
        let columns = &mut *self.columns;
        columns.fill(Pair::ZERO);
        // A column has one product for each limb, if there are no more of them; else two for each row.
        let chunk_pairs = if 2 * pairs < PRODUCTS { pairs } else { MOST_STEPS / 2 * STEP };
        for (chunk, limbs) in self.number.chunks(chunk_pairs).enumerate() {
            let first = chunk * chunk_pairs;
            for (step, limbs) in limbs.as_chunks().0.iter().enumerate() {
                let low = first + step * STEP;
                scale(self.operand, low, 0.5);
                let doubled = rows(limbs.map(|pair| pair.plus(pair)));
                add_rows(part_mut(columns, 2 * low..low + pairs + STEP), &doubled, part(self.operand, low..));
                scale(self.operand, low, 0.0);
            }
            carry(&mut columns[2 * first..]);
        }
        self.fold();
    }

    /// Montgomery's reduction: columns / R.
    fn fold(&mut self) {
        let pairs = self.number.len();
        let width = self.fold.len() - 1;
        let mut columns = &mut *self.columns;
        let mut step = take_step(columns);
        for steps_after in (0..pairs / STEP).rev() {
            columns = part_mut(columns, STEP..);
            add_rows(part_mut(columns, ..STEP), &step, self.fold);
            // The next step is known here: its long chain of operations runs beside the many additions.
            let next = if steps_after > 0 { take_step(columns) } else { step };
            add_rows(part_mut(columns, STEP..width), &step, part(self.fold, STEP..));
            step = next;
            if steps_after > 0 && steps_after.is_multiple_of(MOST_STEPS) {
                carry(&mut columns[STEP..]);
            }
        }
        settle(columns, self.number, self.operand);
    }
}
