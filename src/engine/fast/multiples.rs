//! `u * G + v * Q`, for a fixed base point G and the point Q of a key: what every signature on a curve needs.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, Ordering};

use once_cell::race::OnceBox;

use super::field::{Modulus, Residue};

/// A group in which only the operations below are known. That of the base point has prime order; the point of a key may be
/// outside, and so is never multiplied by a number that is changed by a multiple of the order.
pub(super) trait Group<const L: usize>: Sized + 'static {
    type Order: Modulus<L>;
    /// A point in the coordinates it is computed in.
    type Point: Copy + Send + Sync;
    /// A point in coordinates that make it cheap to add.
    type Entry: Copy + Send + Sync;

    fn base() -> Self::Point;
    fn base_table() -> &'static OnceBox<Comb<Self, L>>;

    fn double(point: &mut Self::Point);
    /// For any two points; `None` is the neutral one.
    fn sum(one: Option<Self::Point>, other: Option<Self::Point>) -> Option<Self::Point>;

    fn from_entry(entry: &Self::Entry) -> Self::Point;
    fn to_entries(points: &[Self::Point]) -> Vec<Self::Entry>;
    /// Adds, or subtracts if that is wanted. May give a *broken* point if the two are equal or opposite.
    fn add(point: &mut Self::Point, entry: &Self::Entry, negative: bool);
    /// Whatever is computed from a broken point is broken.
    fn is_broken(point: &Self::Point) -> bool;
}

/// After so many, a table would have paid for itself.
const USES_WITHOUT_TABLE: u8 = 4;

/// The point of a key.
pub(super) struct KeyPoint<G: Group<L>, const L: usize> {
    point: G::Point,
    /// Costs as much as three to six verifications without it.
    table: OnceBox<Comb<G, L>>,
    uses_without_table: AtomicU8,
}

impl<G: Group<L>, const L: usize> KeyPoint<G, L> {
    pub(super) fn new(point: G::Point) -> Self {
        Self { point, table: OnceBox::new(), uses_without_table: AtomicU8::new(0) }
    }

    /// `u * G + v * Q`, for numbers below the order; `None` is the neutral point.
    pub(super) fn sum(&self, u: &Residue<G::Order, L>, v: &Residue<G::Order, L>) -> Option<G::Point> {
        if self.table.get().is_none() && self.uses_without_table.fetch_add(1, Ordering::Relaxed) < USES_WITHOUT_TABLE {
            return self.sum_without_tables(u, v);
        }
        let base = G::base_table().get_or_init(|| Comb::new(G::base()).into());
        let key = self.table.get_or_init(|| Comb::new(self.point).into());
        let sum = sum_by_tables(base, u, key, v);
        // Rare, unless somebody sought for it.
        if G::is_broken(&sum) { self.sum_without_tables(u, v) } else { Some(sum) }
    }

    /// The sum by both methods.
    #[cfg(feature = "compare")]
    pub(super) fn sums(&self, u: &Residue<G::Order, L>, v: &Residue<G::Order, L>) -> [Option<G::Point>; 2] {
        self.uses_without_table.store(USES_WITHOUT_TABLE, Ordering::Relaxed);
        [self.sum_without_tables(u, v), self.sum(u, v)]
    }

    /// By Shamir's trick, two bits of each number at a time: Menezes, van Oorschot, Vanstone, "Handbook of applied
    /// cryptography" (1996), algorithm 14.88.
    fn sum_without_tables(&self, u: &Residue<G::Order, L>, v: &Residue<G::Order, L>) -> Option<G::Point> {
        // `sums[i + 4 * j]` is `i * G + j * Q`.
        let mut sums = [None; 16];
        for at in 1..16 {
            sums[at] =
                if at < 4 { G::sum(sums[at - 1], Some(G::base())) } else { G::sum(sums[at - 4], Some(self.point)) };
        }
        let mut sum = None;
        for at in (0..G::Order::BITS.div_ceil(2)).rev() {
            if let Some(point) = &mut sum {
                G::double(point);
                G::double(point);
            }
            let digit = |number: &Residue<G::Order, L>| number.bit(2 * at) + 2 * number.bit(2 * at + 1);
            sum = G::sum(sum, sums[digit(u) + 4 * digit(v)]);
        }
        sum
    }
}

fn sum_by_tables<G: Group<L>, const L: usize>(
    base: &Comb<G, L>,
    u: &Residue<G::Order, L>,
    key: &Comb<G, L>,
    v: &Residue<G::Order, L>,
) -> G::Point {
    let rows = Comb::<G, L>::ROWS;
    let combs = [(base, Comb::<G, L>::lines(u)), (key, Comb::<G, L>::lines(v))];
    let entry = |at: usize| {
        let (comb, lines) = &combs[at / TABLES % 2];
        comb.at(TABLES - 1 - at % TABLES, rows - 1 - at / (2 * TABLES), lines)
    };
    // The first digit of all is 1.
    let mut sum = G::from_entry(entry(0).0);
    for at in 1..2 * TABLES * rows {
        if at % (2 * TABLES) == 0 {
            G::double(&mut sum);
        }
        let (entry, negative) = entry(at);
        G::add(&mut sum, entry, negative);
    }
    for (comb, number) in [(base, u), (key, v)] {
        if number.bit(0) == 0 {
            G::add(&mut sum, &comb.point, true);
        }
    }
    sum
}

const TEETH: usize = 10;
const TABLES: usize = 2;
const LINES: usize = TEETH * TABLES;

/// Multiples of a point by which it is multiplied fast: Lim, Lee, "More flexible exponentiation with precomputation"
/// (CRYPTO 1994), with the signed digits of Hedabou, Pinel, Beneteau, "Countermeasures for preventing comb method against SCA
/// attacks" (ISPEC 2005), which halve the tables.
///
/// Of an odd number below `2^(ROWS * LINES)`, the bit `i + 1` says whether its digit `i` is 1 or -1, and the last one is 1; an
/// even number has those of the next one. The digits are written in lines of `ROWS`, one below the other, which belong to the
/// tables by turns. A table's entry is the sum of `2^(ROWS * line)` times the point over its lines, those negative where a row
/// has another sign than in the last line; so that one addition serves a whole row of a table.
pub(super) struct Comb<G: Group<L>, const L: usize> {
    point: G::Entry,
    /// By which lines are negative, the first in the lowest bit.
    tables: Vec<Vec<G::Entry>>,
}

impl<G: Group<L>, const L: usize> Comb<G, L> {
    const ROWS: usize = G::Order::BITS.div_ceil(LINES);

    /// Nothing that is subtracted here is equal or opposite: as multiples of the point, all are below half the order, and the
    /// last tooth, which is in every sum, is greater than three times all others together.
    fn new(point: G::Point) -> Self {
        let mut points = Vec::with_capacity(1 + LINES);
        points.push(point);
        let mut all = [None; TABLES];
        let mut tooth = point;
        for line in 0..LINES {
            all[line % TABLES] = G::sum(all[line % TABLES], Some(tooth));
            G::double(&mut tooth);
            points.push(tooth);
            for _ in 1..Self::ROWS {
                G::double(&mut tooth);
            }
        }
        let entries = G::to_entries(&points);
        let (point, doubles) = (entries[0], &entries[1..]);
        let tables = all.into_iter().enumerate().map(|(table, all)| {
            let mut sums = Vec::with_capacity(1 << (TEETH - 1));
            sums.extend(all);
            for double in doubles.iter().skip(table).step_by(TABLES).take(TEETH - 1) {
                for at in 0..sums.len() {
                    let mut sum = sums[at];
                    G::add(&mut sum, double, true);
                    sums.push(sum);
                }
            }
            G::to_entries(&sums)
        });
        Self { point, tables: tables.collect() }
    }

    /// The digits of a number by lines, a bit for a row: 1, or 0 for -1.
    fn lines(number: &Residue<G::Order, L>) -> [u32; LINES] {
        const { assert!(Self::ROWS <= G::Order::LIMB_BITS, "a line is read in one go") };
        let mut lines = core::array::from_fn(|line| number.bits(line * Self::ROWS + 1, Self::ROWS));
        lines[LINES - 1] |= 1 << (Self::ROWS - 1);
        lines
    }

    /// The entry for a row of a table, and whether it is to be subtracted.
    #[inline(always)]
    fn at(&self, table: usize, row: usize, lines: &[u32; LINES]) -> (&G::Entry, bool) {
        let sign = |tooth| lines[tooth * TABLES + table] >> row & 1;
        let signs = (0..TEETH - 1).fold(0, |signs, tooth| signs | sign(tooth) << tooth);
        let negative = sign(TEETH - 1) == 0;
        let others = if negative { signs } else { signs ^ ((1 << (TEETH - 1)) - 1) };
        (&self.tables[table][others as usize], negative)
    }
}

#[cfg(test)]
mod tests;
