//! Multiplication modulo n, divided by R = 2^51w: product scanning, three pairs of columns (a tile) at a time.
//!
//! A number is a row of w limbs, integers of base 2^51 held in doubles, least significant first. Limbs are signed and at most
//! [`LIMB`] in size. A fused multiply-add rounds once, so that two of them give both halves of a product exactly, as long
//! as it is at most 2^102 in size (after Emmart, Zheng, Weems, "Faster modular exponentiation using double precision floating
//! point arithmetic on the GPU", ARITH 2018):
//!
//! ```text
//! high = a * b + C1             in [2^103, 2^104], where doubles are the multiples of 2^51
//! low  = a * b + (C2 - high)    in [2^52, 2^53], where they are the integers
//! ```
//!
//! The *bits* of both are summed, as integers: bits(high) = bits(C1) + h and bits(low) = bits(3 * 2^51) + l, where a * b =
//! 2^51 h + l, |l| <= 2^50. What the constants add is known from how many products a column gets, so the sums start with its
//! negative. High halves belong to the column above.
//!
//! Montgomery's reduction needs no quotient: the two lowest limbs are taken out and put back, times 2^-102 mod n, above; of the
//! last two one at a time, times 2^-51 mod n, which leaves a number below 1.01 * 2^51 * n. The modulus has 51 (w - 1) - 11 bits
//! or fewer, so the numbers x * 2^51 * n that are multiplied obey x' = 1 + x^2 * 2^-11, and their topmost limb is small.
//!
//! The order of instructions is what makes it fast: see `tools/build.mjs`.

use core::hint::black_box;

use crate::lanes::Lanes;

pub(crate) const LIMB_BITS: usize = 51;
/// The most limbs: for 4096 bits.
pub(crate) const MOST: usize = 84;
/// Zeros around the limbs, where tiles reach over an end.
pub(crate) const MARGIN: usize = 8;

/// The limbs of a multiplicand, each with the one after it, and zeros around them.
pub(crate) type Pairs = [Lanes; MARGIN + MOST + MARGIN];
/// The limbs of a multiplier from the topmost down, with zeros around them.
pub(crate) type Reversed = [f64; MARGIN + MOST + MARGIN];

pub(crate) const TWO51: f64 = 2_251_799_813_685_248.0;
const TWO52: f64 = 2.0 * TWO51;
const C1: f64 = 1.5 * TWO52 * TWO51;
const C2: f64 = C1 + 3.0 * TWO51;
const HIGH_BITS: i64 = C1.to_bits().cast_signed();
const LOW_BITS: i64 = (3.0 * TWO51).to_bits().cast_signed();
pub(crate) const MASK: i64 = (1 << LIMB_BITS) - 1;

/// Columns are at most this in size. It is added to them, so that their carries have no sign.
const OFFSET: i64 = 1 << 59;
/// What that carries.
const CARRIED: i64 = OFFSET >> LIMB_BITS;
/// The carry of such a column, which is what a limb may have more than 51 bits.
const EXTRA: i64 = 2 * CARRIED;
/// What a balanced limb is at most: one of the numbers that are multiplied.
pub(crate) const LIMB: i64 = (1 << 50) + EXTRA;
/// What a limb is at most that has no sign: one that is taken out, or one of the base.
const UNSIGNED: i64 = (1 << 51) + EXTRA;

// The proof of the sums, for the widest numbers. A column gets a product for each limb, one for each limb that is put back, and
// two more at most.
#[expect(clippy::as_conversions, reason = "constants")]
const _: () = {
    let products = 2 * MOST as i128 + 2;
    let largest = UNSIGNED as i128 * LIMB as i128;
    assert!(largest <= 1 << 102);
    let low = products << 50;
    let high = products * ((largest >> LIMB_BITS) + 1);
    assert!(low + high + EXTRA as i128 + (1 << 50) < OFFSET as i128);
};

/// Numbers of one width, and what is needed to multiply them.
pub(crate) struct Work {
    pub(crate) width: usize,
    /// The number that is multiplied, twice.
    pub(crate) number: Pairs,
    pub(crate) reversed: Reversed,
    /// What it is multiplied by.
    pub(crate) factor: Reversed,
    /// 2^-102 mod n and 2^-51 mod n.
    pub(crate) fold_two: Pairs,
    pub(crate) fold_one: Pairs,
    /// The limbs that were taken out.
    pub(crate) taken: Reversed,
    squares: [Tile; MOST / 3],
    products: [Tile; MOST / 3],
}

impl Work {
    /// `width` is a multiple of 6.
    pub(crate) fn new(width: usize) -> Self {
        debug_assert!(width.is_multiple_of(6) && width <= MOST);
        let (pairs, reversed) = ([Lanes::ZERO; MARGIN + MOST + MARGIN], [0.0; MARGIN + MOST + MARGIN]);
        Self {
            width,
            number: pairs,
            reversed,
            factor: reversed,
            fold_two: pairs,
            fold_one: pairs,
            taken: reversed,
            squares: starts(width, true),
            products: starts(width, false),
        }
    }

    /// number = number^2 / R, or number * factor / R.
    #[inline(never)]
    pub(crate) fn multiply(&mut self, is_square: bool) -> Option<()> {
        let width = self.width;
        let half_width = width / 2;
        let end = MARGIN + width;
        let constants = Constants::new();
        let masks = Masks::new();
        let mut starts = if is_square { self.squares.iter() } else { self.products.iter() };
        let mut carry = Carry { before: Lanes::ZERO, high: Lanes::of_bits(0, CARRIED) };

        // The lower tiles, whose limbs are taken out. The product's rows of a tile are added while the limbs of the tile before
        // it are taken, one after the other.
        let mut tile = *starts.next()?;
        if is_square {
            tile.triangle(&constants, &self.number, MARGIN)?;
        } else {
            tile.rows(&constants, (&self.factor, end), (&self.number, MARGIN - 5), 3)?;
        }
        let mut pair = 0;
        loop {
            let next = pair + 3;
            let is_last = next == half_width;
            let (multiplier, multiplier_end, start, pairs) = if is_square {
                (&self.reversed, end + (next & 1), MARGIN + 1 + next, next.div_ceil(2))
            } else {
                (&self.factor, end, MARGIN - 5, next + 3)
            };
            let half = if is_last { 0 } else { pairs / 2 };
            tile.rows(&constants, (&self.taken, end), (&self.fold_two, MARGIN - 1), pair)?;
            let limbs = carry.take(&masks, &tile, 0);
            set(&mut self.taken, end - 2 - 2 * pair, limbs.swapped())?;
            let mut after = *starts.as_slice().first()?;
            after.rows(&constants, (multiplier, multiplier_end), (&self.number, start + 2 * (pairs - half)), half)?;
            let fold = window(&self.fold_two, MARGIN - 1)?;
            let (first, second) = (limbs.low(), limbs.high());
            tile.product(&constants, 1, first, at(fold, 1));
            tile.product(&constants, 1, second, at(fold, 0));
            let limbs = carry.take(&masks, &tile, 1);
            set(&mut self.taken, end - 4 - 2 * pair, limbs.swapped())?;
            tile.product(&constants, 2, first, at(fold, 3));
            tile.product(&constants, 2, second, at(fold, 2));
            if is_last {
                tile.product(&constants, 2, limbs.low(), at(fold, 1));
                tile.product(&constants, 2, limbs.high(), at(fold, 0));
                let limbs = carry.take_last(&masks, &constants, tile, at(window(&self.fold_one, MARGIN - 1)?, 0));
                set(&mut self.taken, MARGIN, limbs.swapped())?;
                break;
            }
            after.rows(&constants, (multiplier, multiplier_end - 2 * half), (&self.number, start), pairs - half)?;
            tile.product(&constants, 2, limbs.low(), at(fold, 1));
            tile.product(&constants, 2, limbs.high(), at(fold, 0));
            let limbs = carry.take(&masks, &tile, 2);
            set(&mut self.taken, end - 6 - 2 * pair, limbs.swapped())?;
            if is_square {
                after.triangle(&constants, &self.number, MARGIN + next)?;
            }
            starts.next();
            tile = after;
            pair = next;
        }

        // The upper tiles, which become the result.
        let mut last = Lanes::ZERO;
        pair = half_width;
        while pair < width {
            let mut tile = *starts.next()?;
            let low = 2 * pair - width;
            let odd = pair & 1;
            let (multiplier, multiplier_end, start, first, pairs) = if is_square {
                let pairs = (width - pair).saturating_sub(4) / 2;
                (&self.reversed, end + width - 2 * pair - odd, MARGIN + 1 + pair, end - 1 - odd, pairs)
            } else {
                (&self.factor, end + width - 2 * pair, MARGIN + 1 + low, end - 1, width - 2 - pair)
            };
            tile.two::<1>(&constants, limbs(multiplier, multiplier_end - 2)?, window(&self.number, first)?);
            if !is_square || pair + 3 < width {
                tile.two::<2>(&constants, limbs(multiplier, multiplier_end - 4)?, window(&self.number, first - 2)?);
                tile.rows(&constants, (multiplier, multiplier_end - 4), (&self.number, start), pairs)?;
            }
            if is_square {
                tile.triangle(&constants, &self.number, MARGIN + pair)?;
            }
            let taken_end = end - low;
            tile.two::<1>(&constants, limbs(&self.taken, taken_end - 2)?, window(&self.fold_two, end - 3)?);
            tile.two::<2>(&constants, limbs(&self.taken, taken_end - 4)?, window(&self.fold_two, end - 5)?);
            let rest = width - 3 - pair;
            tile.rows(&constants, (&self.taken, taken_end - 4), (&self.fold_two, MARGIN + 1 + low), rest)?;
            tile.two::<3>(&constants, limbs(&self.taken, MARGIN)?, window(&self.fold_one, MARGIN + low)?);
            for index in 0..3 {
                let limbs = carry.settle(&masks, &tile, index);
                let place = MARGIN + low + 2 * index;
                set_pairs(&mut self.number, place - 1, [limbs.after(last), limbs])?;
                set(&mut self.reversed, end - 2 - low - 2 * index, limbs.swapped())?;
                last = limbs;
            }
            pair += 3;
        }
        set_pairs(&mut self.number, end - 1, [Lanes::ZERO.after(last), Lanes::ZERO])
    }
}

/// The columns of each tile start with what brings their constants to nothing: as often as products are added to them.
#[expect(clippy::as_conversions, reason = "numbers below 1000")]
fn starts(width: usize, is_square: bool) -> [Tile; MOST / 3] {
    let mut tiles = [Tile { low: [Lanes::ZERO; 3], high: [Lanes::ZERO; 3] }; MOST / 3];
    let square = usize::from(is_square);
    for (tile, pair) in tiles.iter_mut().zip((0..width).step_by(3)) {
        for column in 0..3 {
            // Those that are doubled afterwards, and others.
            let (rows, others) = if 2 * pair < width {
                let rows = if is_square { 2 * pair.div_ceil(2) + column } else { 2 * pair + 6 };
                (rows, 2 * pair + 2 * column + square)
            } else {
                let is_full = !is_square || pair + 3 < width;
                let pairs = if is_square { (width - pair).saturating_sub(4) / 2 } else { width - 2 - pair };
                let more = if is_full { 2 * pairs + if column < 2 { 2 } else { 0 } } else { 0 };
                let rows = if column == 0 { 2 } else { 0 } + more + square * column;
                (rows, 4 - 2 * column + 2 * (width - 3 - pair) + 2 + square)
            };
            let count = (rows * (1 + square) + others) as i64;
            // The carry into a lower limb is that of an offset, too; the limbs of the result are balanced.
            let [first, second] = if 2 * pair < width { [-CARRIED, 0] } else { [1 << 50; 2] };
            let low = LOW_BITS.wrapping_mul(-count).wrapping_add(OFFSET);
            tile.low[column] = Lanes::of_bits((low + first) >> square, (low + second) >> square);
            tile.high[column] = Lanes::both_bits(HIGH_BITS.wrapping_mul(-count) >> square);
        }
    }
    tiles
}

pub(crate) struct Constants {
    c1: Lanes,
    c2: Lanes,
    /// For the limbs on the diagonal of a square, and those beside them, which count twice.
    one_two: Lanes,
}

impl Constants {
    /// V8 makes constants anew wherever they are used, unless it does not know them.
    #[inline(always)]
    pub(crate) fn new() -> Self {
        let [c1, c2, two] = black_box([C1, C2, 2.0]);
        Self { c1: Lanes::both(c1), c2: Lanes::both(c2), one_two: Lanes::new(1.0, two) }
    }

    /// Both halves of a product of at most 2^102 in size.
    pub(crate) fn halves(&self, a: f64, b: f64) -> [i64; 2] {
        let mut tile = Tile { low: [Lanes::ZERO; 3], high: [Lanes::ZERO; 3] };
        tile.product(self, 0, Lanes::both(a), Lanes::both(b));
        let ([low, _], [high, _]) = (tile.low[0].bits(), tile.high[0].bits());
        [low.wrapping_sub(LOW_BITS), high.wrapping_sub(HIGH_BITS)]
    }
}

struct Masks {
    mask: Lanes,
    /// The bits of 2^52, which make a double of an integer below.
    magic: Lanes,
    /// The same and what is to be subtracted from the limbs.
    taken: Lanes,
    settled: Lanes,
}

impl Masks {
    #[inline(always)]
    #[expect(clippy::as_conversions, reason = "exact")]
    fn new() -> Self {
        let [mask, magic, carried, balanced] = black_box([
            f64::from_bits(MASK.cast_unsigned()),
            TWO52,
            TWO52 + CARRIED as f64,
            TWO52 + (CARRIED + (1 << 50)) as f64,
        ]);
        Self {
            mask: Lanes::both(mask),
            magic: Lanes::both(magic),
            taken: Lanes::new(magic, carried),
            settled: Lanes::both(balanced),
        }
    }
}

/// Whether a product and a sum are rounded once, in both lanes: (1 + 2^-27)^2 - 1 - 2^-26 is 2^-54, or nothing.
pub(crate) fn fuses() -> bool {
    const SMALL: f64 = 1.0 / 134_217_728.0;
    let [number, square] = black_box([1.0 + SMALL, 1.0 + 2.0 * SMALL]);
    let error = Lanes::both(number).fused(Lanes::both(number), Lanes::both(-square));
    error.doubles() == [SMALL * SMALL; 2]
}

/// Three pairs of columns: the sums of the low halves, and of the high ones.
#[derive(Clone, Copy)]
struct Tile {
    low: [Lanes; 3],
    high: [Lanes; 3],
}

impl Tile {
    #[inline(always)]
    fn product(&mut self, constants: &Constants, index: usize, a: Lanes, b: Lanes) {
        debug_assert!(a.doubles().iter().zip(b.doubles()).all(|(a, b)| (a * b).abs() <= TWO51 * TWO51));
        let high = a.fused(b, constants.c1);
        let low = a.fused(b, constants.c2.minus(high));
        self.high[index] = self.high[index].plus_bits(high);
        self.low[index] = self.low[index].plus_bits(low);
    }

    /// Two rows, for the first pairs of columns.
    #[inline(always)]
    fn two<const COLUMNS: usize>(&mut self, constants: &Constants, [second, first]: &[f64; 2], window: &Window) {
        let (first, second) = (Lanes::both(*first), Lanes::both(*second));
        self.product(constants, 0, second, at(window, 0));
        self.product(constants, 0, first, at(window, 1));
        if COLUMNS > 1 {
            self.product(constants, 1, second, at(window, 2));
            self.product(constants, 1, first, at(window, 3));
        }
        if COLUMNS > 2 {
            self.product(constants, 2, second, at(window, 4));
            self.product(constants, 2, first, at(window, 5));
        }
    }

    /// So many times two rows: limbs of the multiplier that end here, times those of the multiplicand that start there.
    #[inline(always)]
    fn rows(
        &mut self,
        constants: &Constants,
        multiplier: (&Reversed, usize),
        multiplicand: (&Pairs, usize),
        pairs: usize,
    ) -> Option<()> {
        let ((multiplier, end), (multiplicand, start)) = (multiplier, multiplicand);
        let limbs = multiplier.get(end - 2 * pairs..end)?.as_chunks().0;
        let mut windows = multiplicand.get(start..)?.as_chunks().0;
        for limbs in limbs {
            self.two::<3>(constants, limbs, windows.first_chunk()?);
            windows = windows.get(1..)?;
        }
        Some(())
    }

    /// Doubles what is there, and adds the products of limbs with themselves; before it those nearest to them, which the rows
    /// left out.
    #[inline(always)]
    fn triangle(&mut self, constants: &Constants, number: &Pairs, start: usize) -> Option<()> {
        let limbs = window(number, start)?;
        let (first, second, third) = (at(limbs, 0).low(), at(limbs, 1).low(), at(limbs, 2).low());
        self.product(constants, 1, first, at(limbs, 2));
        self.product(constants, 2, first, at(limbs, 4));
        self.product(constants, 2, second, at(limbs, 3));
        self.low = self.low.map(|sum| sum.plus_bits(sum));
        self.high = self.high.map(|sum| sum.plus_bits(sum));
        self.product(constants, 0, first, at(limbs, 0).times(constants.one_two));
        self.product(constants, 1, second, at(limbs, 1).times(constants.one_two));
        self.product(constants, 2, third, at(limbs, 2).times(constants.one_two));
        Some(())
    }
}

/// What goes from a pair of columns to the next.
struct Carry {
    /// The high halves of the pair before.
    before: Lanes,
    /// Its carries.
    high: Lanes,
}

impl Carry {
    /// The limbs in a pair of columns, without a sign but for the offset's carry.
    #[inline(always)]
    fn take(&mut self, masks: &Masks, tile: &Tile, index: usize) -> Lanes {
        let zero = Lanes::ZERO;
        let high = tile.high[index];
        let sum = tile.low[index].plus_bits(high.after(self.before)).plus_bits(zero.after(self.high));
        let carries = carries(sum);
        let low = sum.and(masks.mask).or(masks.magic).plus_bits(carries.after(zero));
        *self = Self { before: high, high: carries };
        limbs_up_to(UNSIGNED, low.minus(masks.taken))
    }

    /// The last two, of which the second depends on the first: it is put back right above.
    #[inline(always)]
    fn take_last(&mut self, masks: &Masks, constants: &Constants, mut tile: Tile, fold: Lanes) -> Lanes {
        let zero = Lanes::ZERO;
        let before = self.before;
        let sum = tile.low[2].plus_bits(tile.high[2].after(before)).plus_bits(zero.after(self.high));
        let first_carries = carries(sum);
        let first = sum.and(masks.mask).or(masks.magic).minus(masks.magic);
        tile.low[2] = tile.low[2].plus_bits(Lanes::both_bits(LOW_BITS.wrapping_neg()));
        tile.high[2] = tile.high[2].plus_bits(Lanes::both_bits(HIGH_BITS.wrapping_neg()));
        tile.product(constants, 2, first.low(), fold);
        let sum = tile.low[2].plus_bits(tile.high[2].after(before));
        let sum = sum.plus_bits(first_carries.after(zero)).plus_bits(Lanes::of_bits(0, -CARRIED));
        let second = sum.and(masks.mask).or(masks.magic).minus(masks.magic);
        *self = Self { before: tile.high[2], high: carries(sum) };
        limbs_up_to(UNSIGNED, second.high().after(first.low()))
    }

    /// Balanced limbs of the result.
    #[inline(always)]
    fn settle(&mut self, masks: &Masks, tile: &Tile, index: usize) -> Lanes {
        let high = tile.high[index];
        let sum = tile.low[index].plus_bits(high.after(self.before));
        let carries = carries(sum);
        let low = sum.and(masks.mask).or(masks.magic).plus_bits(carries.after(self.high));
        *self = Self { before: high, high: carries };
        limbs_up_to(LIMB, low.minus(masks.settled))
    }
}

#[inline(always)]
fn carries(sum: Lanes) -> Lanes {
    debug_assert!(sum.bits().iter().all(|sum| (0..2 * OFFSET).contains(sum)));
    sum.shifted(51)
}

#[inline(always)]
#[expect(clippy::as_conversions, reason = "exact")]
fn limbs_up_to(limit: i64, limbs: Lanes) -> Lanes {
    debug_assert!(limbs.doubles().iter().all(|limb| limb.abs() <= limit as f64));
    limbs
}

/// As much of a multiplicand as two rows of a tile need.
type Window = [[Lanes; 2]; 3];

#[inline(always)]
fn window(pairs: &Pairs, start: usize) -> Option<&Window> {
    pairs.get(start..)?.first_chunk::<6>()?.as_chunks().0.first_chunk()
}

/// The limb at a place in a window and the one after it.
#[inline(always)]
fn at(window: &Window, index: usize) -> Lanes {
    window.as_flattened()[index]
}

/// Two limbs.
#[inline(always)]
fn limbs(reversed: &Reversed, start: usize) -> Option<&[f64; 2]> {
    reversed.get(start..)?.first_chunk()
}

#[inline(always)]
fn set(reversed: &mut Reversed, start: usize, limbs: Lanes) -> Option<()> {
    *reversed.get_mut(start..)?.first_chunk_mut()? = limbs.doubles();
    Some(())
}

#[inline(always)]
fn set_pairs(pairs: &mut Pairs, start: usize, two: [Lanes; 2]) -> Option<()> {
    *pairs.get_mut(start..)?.first_chunk_mut()? = two;
    Some(())
}
