//! Sums of products of limbs in doubles, and their carries.
//!
//! A number is a row of limbs, integers of base 2^24 held in doubles, least significant first and two to a [`Pair`]. Limbs
//! are signed: a balanced limb is at most [`BALANCED`] = 2^23 + 33 in size, so that a product of two is below 2^46 + 2^31 and
//! a double, which holds integers up to 2^53 exactly, sums [`PRODUCTS`] of them without rounding. Nothing depends on how a
//! sum is ordered or whether a multiplication and an addition are fused. After Emmart, Zheng, Weems, "Faster modular
//! exponentiation using double precision floating point arithmetic on the GPU" (ARITH 2018), but with limbs so small that
//! no product has to be split.

use core::slice::SliceIndex;

use super::pair::Pair;

pub(super) const LIMB_BITS: usize = 24;
/// 2^24
pub(super) const BASE: f64 = 16_777_216.0;
/// What a limb is at most after two rounds of carries: 2^23, and a carry of the second round, whose columns are at most
/// 2^23 + 2^29.
pub(super) const BALANCED: f64 = 8_388_608.0 + 33.0;
/// What a column is at most: 2^53.
pub(super) const EXACT: f64 = 9_007_199_254_740_992.0;
/// So many products of balanced limbs, and what one round of carries left, fit into a column.
pub(super) const PRODUCTS: usize = 127;
/// How many rows, so many limbs of the multiplier, are added at a time.
pub(super) const ROWS: usize = 4;
/// The same in pairs.
pub(super) const STEP: usize = ROWS / 2;

/// 1.5 * 2^76: doubles near it are the multiples of 2^24.
const ROUNDER: f64 = 1.5 * 16_777_216.0 * 4_503_599_627_370_496.0;

/// An entry of the multiplicand: a pair of limbs, and the pair that starts one limb earlier. The multiplicand has an entry of
/// zeros before its limbs, and two behind them.
pub(super) type Entry = [Pair; 2];

/// The entries that stand around the limbs.
pub(super) const MARGIN: usize = 1 + STEP;

/// A part of a slice. Its bounds hold by construction, so that there is no code for a panic, which costs time in such small
/// loops.
#[inline(always)]
pub(super) fn part<T, R: SliceIndex<[T], Output = [T]> + Clone>(slice: &[T], range: R) -> &[T] {
    debug_assert!(slice.get(range.clone()).is_some());
    slice.get(range).unwrap_or_default()
}

#[inline(always)]
pub(super) fn part_mut<T, R: SliceIndex<[T], Output = [T]> + Clone>(slice: &mut [T], range: R) -> &mut [T] {
    debug_assert!(slice.get(range.clone()).is_some());
    slice.get_mut(range).unwrap_or_default()
}

/// Multiplies the limbs of the step that starts with this pair. What is below must be zero.
#[inline(always)]
pub(super) fn scale(operand: &mut [Entry], pair: usize, factor: f64) {
    let both = Pair::both(factor);
    let [first, second, [_, next], ..] = part_mut(operand, pair + 1..) else { return };
    *first = [first[0].times(both), first[1].times(both)];
    *second = [second[0].times(both), second[1].times(both)];
    *next = next.times(Pair::new(factor, 1.0));
}

/// A step of the multiplier, each limb in both lanes.
#[inline(always)]
pub(super) fn rows([first, second]: [Pair; STEP]) -> [Pair; ROWS] {
    [first.low(), first.high(), second.low(), second.high()]
}

/// Adds a step's rows, times the operand, to an even number of columns.
#[inline(always)]
pub(super) fn add_rows(columns: &mut [Pair], rows: &[Pair; ROWS], operand: &[Entry]) {
    debug_assert!(columns.len().is_multiple_of(2) && operand.len() > columns.len());
    let Some((before, operand)) = operand.split_first() else { return };
    let mut before = *before;
    let (fours, two) = columns.as_chunks_mut::<4>();
    let (windows, _) = operand.as_chunks::<4>();
    for (four, window) in fours.iter_mut().zip(windows) {
        let [a, b, c, d] = *window;
        four[0] = dot(four[0], rows, before, a);
        four[1] = dot(four[1], rows, a, b);
        four[2] = dot(four[2], rows, b, c);
        four[3] = dot(four[3], rows, c, d);
        before = d;
    }
    if let ([first, second], [a, b, ..]) = (two, part(operand, 4 * fours.len()..)) {
        *first = dot(*first, rows, before, *a);
        *second = dot(*second, rows, *a, *b);
    }
    debug_assert!(columns.iter().all(|column| column.lanes().iter().all(|lane| lane.abs() <= EXACT)));
}

#[inline(always)]
fn dot(sum: Pair, rows: &[Pair; ROWS], before: Entry, here: Entry) -> Pair {
    let sum = sum.plus_product(rows[0], here[0]).plus_product(rows[1], here[1]);
    sum.plus_product(rows[2], before[0]).plus_product(rows[3], before[1])
}

/// One round of carries: from columns up to 2^53 to limbs up to 2^23 + 2^29. The last keeps its own.
#[inline(never)]
pub(super) fn carry(columns: &mut [Pair]) {
    let mut round = Round::new();
    for column in &mut *columns {
        *column = round.next(*column);
    }
    if let Some(last) = columns.last_mut() {
        *last = round.keep(*last);
    }
}

/// Two rounds of carries, to balanced limbs; the number must fit into them. It becomes the multiplicand, too.
#[inline(never)]
pub(super) fn settle(columns: &[Pair], number: &mut [Pair], operand: &mut [Entry]) {
    let (mut first, mut second) = (Round::new(), Round::new());
    let mut before = Pair::ZERO;
    for ((column, limbs), entry) in columns.iter().zip(&mut *number).zip(&mut operand[1..]) {
        let settled = second.next(first.next(*column));
        *limbs = settled;
        *entry = [settled, settled.after(before)];
        before = settled;
    }
    let last = first.keep(second.keep(before));
    let end = columns.len();
    number[end - 1] = last;
    operand[end][0] = last;
    operand[end + 1] = [Pair::ZERO, Pair::ZERO.after(last)];
    debug_assert!(is_balanced(&number[..end]));
}

/// Takes the lowest step out of the columns, as balanced limbs ready to be rows.
#[inline(always)]
pub(super) fn take_step(columns: &mut [Pair]) -> [Pair; ROWS] {
    let [a, b, next, ..] = columns else { return rows([Pair::ZERO, Pair::ZERO]) };
    let (mut first, mut second) = (Round::new(), Round::new());
    let limbs = [second.next(first.next(*a)), second.next(first.next(*b))];
    *next = next.plus(first.out().plus(second.out()));
    debug_assert!(is_balanced(&limbs));
    rows(limbs)
}

/// Carries on their way from pair to pair.
struct Round {
    high: Pair,
}

impl Round {
    fn new() -> Self {
        Self { high: Pair::ZERO }
    }

    #[inline(always)]
    fn next(&mut self, column: Pair) -> Pair {
        let high = high_part(column);
        let carried = column.minus(high).plus(high.after(self.high).times(Pair::both(1.0 / BASE)));
        self.high = high;
        carried
    }

    /// What goes to the pair behind the last.
    #[inline(always)]
    fn out(&self) -> Pair {
        Pair::ZERO.after(self.high).times(Pair::both(1.0 / BASE))
    }

    /// The last pair with what it would have carried out.
    fn keep(&self, last: Pair) -> Pair {
        let [_, high] = self.high.lanes();
        last.plus(Pair::new(0.0, high))
    }
}

/// The nearest multiple of the base.
#[inline(always)]
fn high_part(column: Pair) -> Pair {
    column.plus(Pair::both(ROUNDER)).minus(Pair::both(ROUNDER))
}

fn is_balanced(limbs: &[Pair]) -> bool {
    limbs.iter().all(|pair| pair.lanes().iter().all(|limb| limb.abs() <= BALANCED))
}
