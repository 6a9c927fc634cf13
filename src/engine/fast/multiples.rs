//! `u * G + v * Q`, for a fixed base point G and the point Q of a key: what every signature on a curve needs.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use once_cell::race::OnceBox;

use super::field::{Modulus, Residue};

/// A group of prime order in which only the operations below are known.
pub(super) trait Group<const L: usize>: Sized + 'static {
    type Order: Modulus<L>;
    /// A point in the coordinates it is computed in.
    type Point: Copy + Send + Sync;
    /// A point in coordinates that make it cheap to add.
    type Entry: Copy + Send + Sync;

    fn base() -> Self::Point;
    fn base_table() -> &'static OnceBox<Comb<Self, L>>;

    fn doubled(point: &Self::Point) -> Self::Point;
    /// For any two points; `None` is the neutral one.
    fn sum(one: Option<Self::Point>, other: Option<Self::Point>) -> Option<Self::Point>;

    fn from_entry(entry: &Self::Entry) -> Self::Point;
    fn to_entries(points: &[Self::Point]) -> Vec<Self::Entry>;
    /// May give a *broken* point if the two are equal or opposite.
    fn plus_entry(point: &Self::Point, entry: &Self::Entry) -> Self::Point;
    /// Whatever is computed from a broken point is broken.
    fn is_broken(point: &Self::Point) -> bool;
}

/// The point of a key.
pub(super) struct KeyPoint<G: Group<L>, const L: usize> {
    point: G::Point,
    /// Costs about as much as three verifications without it: made when the key is used for the second time.
    table: OnceBox<Comb<G, L>>,
    was_used: AtomicBool,
}

impl<G: Group<L>, const L: usize> KeyPoint<G, L> {
    pub(super) fn new(point: G::Point) -> Self {
        Self { point, table: OnceBox::new(), was_used: AtomicBool::new(false) }
    }

    /// `u * G + v * Q`, for numbers below the order; `None` is the neutral point.
    pub(super) fn sum(&self, u: &Residue<G::Order, L>, v: &Residue<G::Order, L>) -> Option<G::Point> {
        if self.table.get().is_none() && !self.was_used.swap(true, Ordering::Relaxed) {
            return self.sum_without_tables(u, v);
        }
        let base = G::base_table().get_or_init(|| Comb::new(G::base()).into());
        let key = self.table.get_or_init(|| Comb::new(self.point).into());
        let sum = sum_by_tables(base, u, key, v);
        // Rare, unless somebody sought for it.
        if sum.as_ref().is_some_and(G::is_broken) {
            return self.sum_without_tables(u, v);
        }
        sum
    }

    /// The sum by both methods.
    #[cfg(feature = "compare")]
    pub(super) fn sums(&self, u: &Residue<G::Order, L>, v: &Residue<G::Order, L>) -> [Option<G::Point>; 2] {
        self.was_used.store(true, Ordering::Relaxed);
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
            sum = sum.map(|point| G::doubled(&G::doubled(&point)));
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
) -> Option<G::Point> {
    let mut sum: Option<G::Point> = None;
    for row in (0..Comb::<G, L>::ROWS).rev() {
        sum = sum.map(|point| G::doubled(&point));
        for entry in base.at(row, u).chain(key.at(row, v)) {
            sum = Some(sum.map_or_else(|| G::from_entry(entry), |sum| G::plus_entry(&sum, entry)));
        }
    }
    sum
}

const TEETH: usize = 8;
const TABLES: usize = 2;

/// Multiples of a point by which it is multiplied fast: Lim, Lee, "More flexible exponentiation with precomputation"
/// (CRYPTO 1994).
///
/// A number is written in lines of `ROWS` bits, one below the other, which belong to the tables by turns. A table's entry is
/// the sum of `2^(ROWS * line)` times the point over those of its lines where a row has a 1, so that one addition serves a
/// whole row of a table.
pub(super) struct Comb<G: Group<L>, const L: usize>([Vec<G::Entry>; TABLES]);

impl<G: Group<L>, const L: usize> Comb<G, L> {
    const ROWS: usize = G::Order::BITS.div_ceil(TEETH * TABLES);

    fn new(point: G::Point) -> Self {
        let mut teeth = Vec::with_capacity(TEETH * TABLES);
        let mut tooth = point;
        for _ in 0..TEETH * TABLES {
            teeth.push(tooth);
            for _ in 0..Self::ROWS {
                tooth = G::doubled(&tooth);
            }
        }
        let teeth = G::to_entries(&teeth);
        Self(core::array::from_fn(|table| Self::sums(teeth.iter().skip(table).step_by(TABLES))))
    }

    /// No tooth and no sum of smaller teeth are equal or opposite: as multiples of the point, they are below half the order.
    fn sums<'t>(teeth: impl Iterator<Item = &'t G::Entry>) -> Vec<G::Entry> {
        let mut sums = Vec::with_capacity((1 << TEETH) - 1);
        for tooth in teeth {
            for at in 0..=sums.len() {
                let sum = at.checked_sub(1).map_or_else(|| G::from_entry(tooth), |at| G::plus_entry(&sums[at], tooth));
                sums.push(sum);
            }
        }
        G::to_entries(&sums)
    }

    /// The entries for a row of a number; none for a table where all its bits are 0.
    #[inline(always)]
    fn at(&self, row: usize, number: &Residue<G::Order, L>) -> impl Iterator<Item = &G::Entry> {
        self.0.iter().enumerate().filter_map(move |(table, sums)| {
            let line = |tooth| tooth * TABLES + table;
            let bits = (0..TEETH).fold(0, |bits, tooth| bits | number.bit(line(tooth) * Self::ROWS + row) << tooth);
            sums.get(bits.wrapping_sub(1))
        })
    }
}

#[cfg(test)]
mod tests;
