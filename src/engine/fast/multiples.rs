//! `u * G + v * Q`, for a fixed base point G and the point Q of a key: what every signature on a curve needs.

use alloc::vec;
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
    fn base_tables() -> &'static Tables<Self, L>;

    fn double(point: &mut Self::Point);
    /// The same for a point that will be doubled next, not added to.
    fn double_on(point: &mut Self::Point) {
        Self::double(point);
    }
    /// For any two points; `None` is the neutral one.
    fn sum(one: Option<Self::Point>, other: Option<Self::Point>) -> Option<Self::Point>;

    fn from_entry(entry: &Self::Entry) -> Self::Point;
    fn to_entries(points: &[Self::Point]) -> Vec<Self::Entry>;
    /// Adds, or subtracts if that is wanted. May give a *broken* point if the two are equal or opposite.
    fn add(point: &mut Self::Point, entry: &Self::Entry, negative: bool);
    /// Whatever is computed from a broken point is broken.
    fn is_broken(point: &Self::Point) -> bool;
}

/// What is computed of a point once, when it is first needed.
pub(super) struct Tables<G: Group<L>, const L: usize> {
    windows: OnceBox<Vec<G::Entry>>,
    comb: OnceBox<Comb<G, L>>,
}

impl<G: Group<L>, const L: usize> Tables<G, L> {
    pub(super) const fn new() -> Self {
        Self { windows: OnceBox::new(), comb: OnceBox::new() }
    }

    /// The odd multiples of the point below `2^(width - 1)`, as many as there are, by which it is multiplied without its comb.
    fn windows(&self, point: G::Point, width: usize) -> &[G::Entry] {
        self.windows.get_or_init(|| {
            let mut double = point;
            G::double(&mut double);
            let mut multiples = Vec::with_capacity(1 << (width - 2));
            multiples.push(point);
            for at in 1..1 << (width - 2) {
                multiples.extend(G::sum(Some(multiples[at - 1]), Some(double)));
            }
            G::to_entries(&multiples).into()
        })
    }

    fn comb(&self, point: G::Point) -> &Comb<G, L> {
        self.comb.get_or_init(|| Comb::new(point).into())
    }
}

/// The bits of a digit where there is no comb. Windows of the base point, which all keys share, may be wider.
const BASE_WINDOW: usize = 7;
const KEY_WINDOW: usize = 5;

/// After so many, a comb would about have paid for itself.
const USES_WITHOUT_COMB: u8 = 8;

/// The point of a key.
pub(super) struct KeyPoint<G: Group<L>, const L: usize> {
    point: G::Point,
    /// The comb costs as much as five to six verifications without it.
    tables: Tables<G, L>,
    uses_without_comb: AtomicU8,
}

impl<G: Group<L>, const L: usize> KeyPoint<G, L> {
    pub(super) fn new(point: G::Point) -> Self {
        Self { point, tables: Tables::new(), uses_without_comb: AtomicU8::new(0) }
    }

    /// `u * G + v * Q`, for numbers below the order; `None` is the neutral point.
    pub(super) fn sum(&self, u: &Residue<G::Order, L>, v: &Residue<G::Order, L>) -> Option<G::Point> {
        let is_new = self.tables.comb.get().is_none()
            && self.uses_without_comb.fetch_add(1, Ordering::Relaxed) < USES_WITHOUT_COMB;
        let sum = if is_new { self.sum_by_windows(u, v) } else { Some(self.sum_by_combs(u, v)) };
        // Rare, unless somebody sought for it.
        if sum.as_ref().is_some_and(G::is_broken) { self.sum_by_bits(u, v) } else { sum }
    }

    /// The sum by each method.
    #[cfg(feature = "compare")]
    pub(super) fn sums(&self, u: &Residue<G::Order, L>, v: &Residue<G::Order, L>) -> [Option<G::Point>; 3] {
        let by_bits = self.sum_by_bits(u, v);
        let whole = |sum: Option<G::Point>| if sum.as_ref().is_some_and(G::is_broken) { by_bits } else { sum };
        [by_bits, whole(self.sum_by_windows(u, v)), whole(Some(self.sum_by_combs(u, v)))]
    }

    /// By Shamir's trick: Menezes, van Oorschot, Vanstone, "Handbook of applied cryptography" (1996), algorithm 14.88. Slow, and
    /// right for all numbers and points.
    fn sum_by_bits(&self, u: &Residue<G::Order, L>, v: &Residue<G::Order, L>) -> Option<G::Point> {
        let (base, key) = (Some(G::base()), Some(self.point));
        let sums = [None, base, key, G::sum(base, key)];
        let mut sum = None;
        for at in (0..G::Order::BITS).rev() {
            if let Some(point) = &mut sum {
                G::double(point);
            }
            sum = G::sum(sum, sums[u.bit(at) + 2 * v.bit(at)]);
        }
        sum
    }

    fn sum_by_combs(&self, u: &Residue<G::Order, L>, v: &Residue<G::Order, L>) -> G::Point {
        sum_by_combs(G::base_tables().comb(G::base()), u, self.tables.comb(self.point), v)
    }

    /// By interleaved windows: Moeller, "Algorithms for multi-exponentiation" (SAC 2001), section 3.2.
    fn sum_by_windows(&self, u: &Residue<G::Order, L>, v: &Residue<G::Order, L>) -> Option<G::Point> {
        let base = G::base_tables().windows(G::base(), BASE_WINDOW);
        let factors = [
            (base, sparse_digits(u, BASE_WINDOW)),
            (self.tables.windows(self.point, KEY_WINDOW), sparse_digits(v, KEY_WINDOW)),
        ];
        let mut sum = None;
        for at in (0..=G::Order::BITS).rev() {
            let is_added_to = at == 0 || factors.iter().any(|(_, digits)| digits[at] != 0);
            if let Some(point) = &mut sum {
                if is_added_to { G::double(point) } else { G::double_on(point) }
            }
            for (multiples, digits) in factors.iter().filter(|(_, digits)| digits[at] != 0) {
                let entry = &multiples[usize::from(digits[at].unsigned_abs()) / 2];
                match &mut sum {
                    Some(point) => G::add(point, entry, digits[at] < 0),
                    // The first digit of a number is positive.
                    None => sum = Some(G::from_entry(entry)),
                }
            }
        }
        sum
    }
}

/// The digits of a number, from the lowest on: zeros, and odd numbers below `2^(width - 1)` in size, each of which is followed
/// by `width - 1` zeros at least. Solinas, "Efficient arithmetic on Koblitz curves" (Designs, Codes and Cryptography 19,
/// 2000), section 5.1.
fn sparse_digits<M: Modulus<L>, const L: usize>(number: &Residue<M, L>, width: usize) -> Vec<i8> {
    let mut digits = vec![0; M::BITS + 1];
    let (mut at, mut carried) = (0, 0);
    while at <= M::BITS {
        if number.bit(at) == carried {
            at += 1;
            continue;
        }
        // Odd, and below `2^width`; a digit in the upper half is negative, and the rest carried.
        let window = number.bits(at, width) as usize + carried;
        carried = window >> (width - 1);
        digits[at] = (window as isize - ((carried as isize) << width)) as i8;
        at += width;
    }
    digits
}

fn sum_by_combs<G: Group<L>, const L: usize>(
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
