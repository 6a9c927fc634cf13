//! Integers modulo an odd number on signed, unsaturated limbs, multiplied by Montgomery's method.
//!
//! A [`Residue`] is `L` limbs in `i32`, worth the sum of `limb[i] * 2^(i * BITS)`. `BITS` is below 32, so that sums and
//! differences need no carries and the columns of a product fit an `i64`. A product is divided by `R = 2^(L * BITS)`:
//! P. Montgomery, "Modular multiplication without trial division" (Math. Comp. 44, 1985), column by column as in Koc, Acar,
//! Kaliski, "Analyzing and comparing Montgomery multiplication algorithms" (IEEE Micro 16, 1996), "FIPS". Most moduli here
//! are sums of few powers of two, and their limbs are signed too: nearly all are zeros, which cost nothing, or powers of two,
//! which cost a shift. Modulo 2^255 - 19 a product is folded instead, as in Bernstein, "Curve25519: new Diffie-Hellman speed
//! records" (PKC 2006), section 4: there the quotients would be a long chain.
//!
//! # Bounds
//!
//! Two things can go wrong: a limb leaves the `i32`, or a column of a product leaves the `i64`. Both are excluded by the
//! formulas that use this file, and debug builds prove it while they run: there, every residue carries an interval of its limbs
//! and one of its value ([`Bounds`]), computed from those of its operands alone and never from the number at hand, and each
//! operation checks that nothing inside these intervals can overflow. So one pass through a formula checks it for all inputs.

#[cfg(debug_assertions)]
mod bounds;
mod constants;
mod inversion;

use core::marker::PhantomData;
use core::ops::{Add, Sub};

#[cfg(debug_assertions)]
use bounds::{Bounds, exp2};
use constants::{carry, factor, less, power_of_two};
pub(super) use constants::{difference, hexadecimal, sum_of_powers};
pub(super) use inversion::inverses;

/// Does something for each place of a limb; unrolled, so that every limb has a constant place, where speed matters most. The
/// compiler would not unroll nested loops of this size by itself.
#[inline(always)]
fn for_each_limb<M: Modulus<L>, const L: usize>(mut body: impl FnMut(usize)) {
    macro_rules! unroll {
        ($($place:literal)*) => {
            $(if $place < L {
                body($place);
            })*
        };
    }
    const { assert!(L <= 19, "unrolled for 19 limbs at most") };
    if M::UNROLLED {
        unroll!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18);
    } else {
        for place in 0..L {
            body(place);
        }
    }
}

/// An odd modulus `m` on `L` limbs, at least 4 bits shorter than they are.
pub(super) trait Modulus<const L: usize>: Copy + Send + Sync + 'static {
    /// The bits of a limb.
    const LIMB_BITS: usize;
    /// The bits of `m`.
    const BITS: usize;
    /// `m`, by signed limbs.
    const LIMBS: &'static [i64; L];
    /// Whether speed is worth more than size: for the fields, not for the orders of points.
    const UNROLLED: bool;
    /// `2^BITS` modulo `m`, if that is small: then products are folded there instead of divided, and `R` is 1.
    const FOLD: Option<i64> = None;

    /// `m`, each limb in `[0, 2^LIMB_BITS)`.
    const M: &'static [i32; L] = &carry(Self::LIMBS, Self::LIMB_BITS);
    /// `-1 / m` modulo `2^LIMB_BITS`.
    const FACTOR: i64 = factor(Self::LIMBS[0], Self::LIMB_BITS);
    const MASK: i64 = (1 << Self::LIMB_BITS) - 1;
    /// The bits of `m` in the last limb.
    const TOP_BITS: usize = Self::BITS - (L - 1) * Self::LIMB_BITS;
    /// `R` is 2 to this power.
    const R_BITS: usize = if Self::FOLD.is_some() { 0 } else { L * Self::LIMB_BITS };
}

/// A number modulo `M`.
#[derive(Clone, Copy)]
pub(super) struct Residue<M, const L: usize> {
    limbs: [i32; L],
    #[cfg(debug_assertions)]
    bounds: Bounds,
    modulus: PhantomData<M>,
}

impl<M: Modulus<L>, const L: usize> Residue<M, L> {
    const ZERO: &'static Self = &Self::below_modulus([0; L]);
    /// 1, not multiplied by `R`.
    const UNIT: &'static Self = &Self::below_modulus(power_of_two(0, M::M, M::LIMB_BITS));
    /// `R`: 1 in Montgomery form.
    pub(super) const ONE: &'static Self = &Self::power_of_two_times_r(0);
    const R2: &'static Self = &Self::power_of_two_times_r(M::R_BITS);

    pub(super) const fn power_of_two_times_r(power: usize) -> Self {
        Self::below_modulus(power_of_two(power + M::R_BITS, M::M, M::LIMB_BITS))
    }

    pub(super) const fn hexadecimal(digits: &str) -> Self {
        Self::below_modulus(carry(&hexadecimal(M::LIMB_BITS, digits), M::LIMB_BITS))
    }

    /// From the limbs of a number below `m`.
    pub(super) const fn below_modulus(limbs: [i32; L]) -> Self {
        Self {
            limbs,
            #[cfg(debug_assertions)]
            bounds: Bounds { limbs: (0.0, 1.0), value: (0.0, 1.0) },
            modulus: PhantomData,
        }
    }

    /// A big-endian number of at most `BITS` rounded up to bytes, as it is: it may be `m` or more.
    pub(super) fn from_be_bytes(bytes: &[u8]) -> Self {
        debug_assert!(bytes.len() <= M::BITS.div_ceil(8), "more bytes than the modulus has");
        let mut reversed = bytes.to_vec();
        reversed.reverse();
        Self::from_le_bytes(&reversed)
    }

    pub(super) fn negated(&self) -> Self {
        Self::ZERO - self
    }

    /// From the least significant byte on; what has no place in the limbs is left out.
    #[inline(never)]
    pub(super) fn from_le_bytes(bytes: &[u8]) -> Self {
        let mut limbs = [0; L];
        for (at, byte) in bytes.iter().enumerate() {
            let (limb, shift) = (8 * at / M::LIMB_BITS, 8 * at % M::LIMB_BITS);
            let bits = i64::from(*byte) << shift;
            if limb < L {
                limbs[limb] |= (bits & M::MASK) as i32;
            }
            if limb + 1 < L {
                limbs[limb + 1] |= (bits >> M::LIMB_BITS) as i32;
            }
        }
        Self {
            limbs,
            #[cfg(debug_assertions)]
            bounds: Bounds { limbs: (0.0, 1.0), value: (0.0, exp2(L * M::LIMB_BITS - M::BITS + 1)) },
            modulus: PhantomData,
        }
    }

    pub(super) fn is_below_modulus(&self) -> bool {
        self.is_below(M::M)
    }

    /// Of a number that is not negative, as it was read.
    pub(super) fn is_below(&self, bound: &[i32; L]) -> bool {
        less(&self.limbs, bound)
    }

    /// The same times `R`.
    #[inline(never)]
    pub(super) fn montgomery(&self) -> Self {
        self.mul(Self::R2)
    }

    /// The number in `[0, m)` that a residue in Montgomery form stands for.
    pub(super) fn integer(&self) -> Self {
        self.mul(Self::UNIT).least()
    }

    /// The number in `[0, m)` that has this residue.
    #[inline(never)]
    pub(super) fn least(&self) -> Self {
        let mut limbs = self.limbs;
        let shifted = |limbs: [i32; L], sign: i64| {
            carry(&core::array::from_fn(|i| i64::from(limbs[i]) + sign * i64::from(M::M[i])), M::LIMB_BITS)
        };
        limbs = shifted(limbs, 0);
        while limbs[L - 1] < 0 {
            limbs = shifted(limbs, 1);
        }
        while !less(&limbs, M::M) {
            limbs = shifted(limbs, -1);
        }
        Self::below_modulus(limbs)
    }

    /// Whether a residue in Montgomery form is zero.
    #[inline(never)]
    pub(super) fn is_zero(&self) -> bool {
        self.integer().limbs == [0; L]
    }

    /// Whether a number in `[0, m)` is zero.
    pub(super) fn is_nothing(&self) -> bool {
        self.limbs == [0; L]
    }

    /// A bit of a number in `[0, m)`.
    pub(super) fn bit(&self, at: usize) -> usize {
        self.bits(at, 1) as usize
    }

    /// At most `LIMB_BITS` bits of a number in `[0, m)`, from one on.
    pub(super) fn bits(&self, at: usize, count: usize) -> u32 {
        let (first, shift) = (at / M::LIMB_BITS, at % M::LIMB_BITS);
        let limb = |at: usize| self.limbs.get(at).map_or(0, |limb| i64::from(*limb));
        let bits = (limb(first) | limb(first + 1) << M::LIMB_BITS) >> shift;
        (bits & ((1 << count) - 1)) as u32
    }

    #[inline(never)]
    pub(super) fn mul(&self, other: &Self) -> Self {
        let (a, b) = (self.wide(), other.wide());
        Self::reduce(
            #[inline(always)]
            |column| {
                let mut sum = 0;
                for_each_limb::<M, L>(
                    #[inline(always)]
                    |j| {
                        if j <= column && column < j + L {
                            sum += a[j] * b[column - j];
                        }
                    },
                );
                sum
            },
            #[cfg(debug_assertions)]
            self.bounds.product::<M, L>(&other.bounds),
        )
    }

    #[inline(never)]
    pub(super) fn square(&self) -> Self {
        let a = self.wide();
        Self::reduce(
            #[inline(always)]
            |column| {
                let mut sum = 0;
                for_each_limb::<M, L>(
                    #[inline(always)]
                    |j| {
                        if 2 * j < column && column < j + L {
                            sum += a[j] * a[column - j];
                        }
                    },
                );
                if column % 2 == 0 { 2 * sum + a[column / 2] * a[column / 2] } else { 2 * sum }
            },
            #[cfg(debug_assertions)]
            self.bounds.product::<M, L>(&self.bounds),
        )
    }

    #[inline(always)]
    fn wide(&self) -> [i64; L] {
        let mut limbs = [0; L];
        for_each_limb::<M, L>(
            #[inline(always)]
            |i| limbs[i] = i64::from(self.limbs[i]),
        );
        limbs
    }

    /// A product that is given by its columns, divided by `R`. What is added to make it divisible, `quotients * m`, is at
    /// least 0 and below `R * m`.
    #[inline(always)]
    fn reduce(columns: impl Fn(usize) -> i64, #[cfg(debug_assertions)] bounds: Bounds) -> Self {
        let limbs = match M::FOLD {
            Some(fold) => Self::folded(columns, fold),
            None => Self::divided(columns),
        };
        Self {
            limbs,
            #[cfg(debug_assertions)]
            bounds,
            modulus: PhantomData,
        }
    }

    #[inline(always)]
    fn divided(columns: impl Fn(usize) -> i64) -> [i32; L] {
        let mut limbs = [0; L];
        let mut quotients = [0; L];
        let mut sum = 0;
        for_each_limb::<M, L>(
            #[inline(always)]
            |i| {
                sum += columns(i) + multiples::<M, L>(&quotients, i);
                quotients[i] = sum.wrapping_mul(M::FACTOR) & M::MASK;
                sum += quotients[i] * M::LIMBS[0];
                sum >>= M::LIMB_BITS;
            },
        );
        for_each_limb::<M, L>(
            #[inline(always)]
            |i| {
                if i + 1 < L {
                    sum += columns(L + i) + multiples::<M, L>(&quotients, L + i);
                    limbs[i] = (sum & M::MASK) as i32;
                    sum >>= M::LIMB_BITS;
                } else {
                    limbs[i] = sum as i32;
                }
            },
        );
        limbs
    }

    /// The upper limbs of a product are carried, multiplied by what `2^(L * LIMB_BITS)` is modulo `m`, and added to the lower
    /// columns; then what exceeds the bits of `m` is. The second limb keeps a last carry.
    #[inline(always)]
    fn folded(columns: impl Fn(usize) -> i64, fold: i64) -> [i32; L] {
        let mut upper = [0; L];
        let mut sum = 0;
        for_each_limb::<M, L>(
            #[inline(always)]
            |i| {
                if i + 1 < L {
                    sum += columns(L + i);
                    upper[i] = sum & M::MASK;
                    sum >>= M::LIMB_BITS;
                } else {
                    upper[i] = sum;
                }
            },
        );
        let mut limbs = [0; L];
        let mut sum = 0;
        for_each_limb::<M, L>(
            #[inline(always)]
            |i| {
                sum += columns(i) + upper[i] * (fold << (M::LIMB_BITS - M::TOP_BITS));
                if i + 1 < L {
                    limbs[i] = (sum & M::MASK) as i32;
                    sum >>= M::LIMB_BITS;
                }
            },
        );
        limbs[L - 1] = (sum & ((1 << M::TOP_BITS) - 1)) as i32;
        let first = i64::from(limbs[0]) + (sum >> M::TOP_BITS) * fold;
        limbs[0] = (first & M::MASK) as i32;
        limbs[1] += (first >> M::LIMB_BITS) as i32;
        limbs
    }

    /// `scale` times the same, with limbs in `[0, 2^LIMB_BITS)`, of which the last may be negative, and a value just about in
    /// `[0, m)`: what exceeds the bits of `m` is taken off as a multiple of `m`. For a modulus that is close to a power of two.
    #[inline(never)]
    pub(super) fn scaled(&self, scale: i64) -> Self {
        let excess = (i64::from(self.limbs[L - 1]) * scale) >> M::TOP_BITS;
        let mut limbs = [0; L];
        let mut sum = 0;
        for_each_limb::<M, L>(
            #[inline(always)]
            |i| {
                sum += i64::from(self.limbs[i]) * scale - excess * M::LIMBS[i];
                limbs[i] = if i + 1 < L { sum & M::MASK } else { sum } as i32;
                sum >>= M::LIMB_BITS;
            },
        );
        Self {
            limbs,
            #[cfg(debug_assertions)]
            bounds: self.bounds.scaled::<M, L>(scale),
            modulus: PhantomData,
        }
    }

    pub(super) fn carried(&self) -> Self {
        self.scaled(1)
    }

    pub(super) fn doubled(&self) -> Self {
        self + self
    }
}

/// What the quotients before a column add to it.
#[inline(always)]
fn multiples<M: Modulus<L>, const L: usize>(quotients: &[i64; L], column: usize) -> i64 {
    let mut sum = 0;
    for_each_limb::<M, L>(
        #[inline(always)]
        |j| {
            if j < column && column < j + L {
                sum += quotients[j] * M::LIMBS[column - j];
            }
        },
    );
    sum
}

impl<M: Modulus<L>, const L: usize> Add for &Residue<M, L> {
    type Output = Residue<M, L>;

    #[inline(never)]
    fn add(self, other: Self) -> Residue<M, L> {
        let mut limbs = [0; L];
        for_each_limb::<M, L>(
            #[inline(always)]
            |i| limbs[i] = self.limbs[i] + other.limbs[i],
        );
        Residue {
            limbs,
            #[cfg(debug_assertions)]
            bounds: self.bounds.plus::<M, L>(&other.bounds),
            modulus: PhantomData,
        }
    }
}

impl<M: Modulus<L>, const L: usize> Sub for &Residue<M, L> {
    type Output = Residue<M, L>;

    #[inline(never)]
    fn sub(self, other: Self) -> Residue<M, L> {
        let mut limbs = [0; L];
        for_each_limb::<M, L>(
            #[inline(always)]
            |i| limbs[i] = self.limbs[i] - other.limbs[i],
        );
        Residue {
            limbs,
            #[cfg(debug_assertions)]
            bounds: self.bounds.plus::<M, L>(&other.bounds.negative()),
            modulus: PhantomData,
        }
    }
}

// They check the bounds, which there are in debug builds only.
#[cfg(all(test, debug_assertions))]
mod tests;
