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

use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::{Add, Sub};

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

/// The limbs of a sum of `factor * 2^power`.
pub(super) const fn sum_of_powers<const L: usize>(limb_bits: usize, terms: &[(usize, i64)]) -> [i64; L] {
    let mut limbs = [0; L];
    let mut at = 0;
    while at < terms.len() {
        let (power, factor) = terms[at];
        limbs[power / limb_bits] += factor << (power % limb_bits);
        at += 1;
    }
    limbs
}

/// The limbs of a hexadecimal number.
pub(super) const fn hexadecimal<const L: usize>(limb_bits: usize, digits: &str) -> [i64; L] {
    let digits = digits.as_bytes();
    let mut limbs = [0; L];
    let mut bit = 0;
    while bit < 4 * digits.len() {
        let digit = digits[digits.len() - 1 - bit / 4] as char;
        assert!(digit.is_ascii_hexdigit(), "not a hexadecimal digit");
        let value = match digit.to_digit(16) {
            Some(value) => value,
            None => 0,
        };
        if value >> (bit % 4) & 1 == 1 {
            limbs[bit / limb_bits] |= 1 << (bit % limb_bits);
        }
        bit += 1;
    }
    limbs
}

const fn carry<const L: usize>(limbs: &[i64; L], limb_bits: usize) -> [i32; L] {
    let mut carried = [0; L];
    let mut sum = 0;
    let mut i = 0;
    while i < L {
        sum += limbs[i];
        carried[i] = if i + 1 < L { sum & ((1 << limb_bits) - 1) } else { sum } as i32;
        sum >>= limb_bits;
        i += 1;
    }
    carried
}

pub(super) const fn difference<const L: usize>(a: &[i32; L], b: &[i32; L], limb_bits: usize) -> [i32; L] {
    let mut limbs = [0; L];
    let mut i = 0;
    while i < L {
        limbs[i] = a[i] as i64 - b[i] as i64;
        i += 1;
    }
    carry(&limbs, limb_bits)
}

/// Each step doubles the number of right bits.
const fn factor(lowest: i64, limb_bits: usize) -> i64 {
    let mut inverse = 1_i64;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2_i64.wrapping_sub(lowest.wrapping_mul(inverse)));
        step += 1;
    }
    inverse.wrapping_neg() & ((1 << limb_bits) - 1)
}

const fn power_of_two<const L: usize>(power: usize, m: &[i32; L], limb_bits: usize) -> [i32; L] {
    let mut number = [0; L];
    number[0] = 1;
    let mut doublings = 0;
    while doublings < power {
        let mut limbs = [0; L];
        let mut i = 0;
        while i < L {
            limbs[i] = 2 * number[i] as i64;
            i += 1;
        }
        number = carry(&limbs, limb_bits);
        if !less(&number, m) {
            number = difference(&number, m, limb_bits);
        }
        doublings += 1;
    }
    number
}

/// Of limbs in `[0, 2^LIMB_BITS)`, the last of which may have any sign.
const fn less<const L: usize>(a: &[i32; L], b: &[i32; L]) -> bool {
    let mut i = L;
    while i > 0 {
        i -= 1;
        if a[i] != b[i] {
            return a[i] < b[i];
        }
    }
    false
}

/// What is known of a residue by the way it was made.
#[cfg(debug_assertions)]
#[derive(Clone, Copy)]
struct Bounds {
    /// The limbs, in units of `2^LIMB_BITS`.
    limbs: (f64, f64),
    /// The value, in units of `m`.
    value: (f64, f64),
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
        let limb = self.limbs.get(at / M::LIMB_BITS).copied().unwrap_or_default();
        (limb >> (at % M::LIMB_BITS) & 1) as usize
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

    /// `scale` times the same, with limbs in `[0, 2^LIMB_BITS)` and a value just about in `[0, m)`: what exceeds the bits of
    /// `m` is taken off as a multiple of `m`. For a modulus that is close to a power of two.
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

    /// The inverse of a number in `[1, m)`, modulo a prime `m`; neither is in Montgomery form. Anything in `(-60m, 60m)`.
    ///
    /// Bernstein, Yang, "Fast constant-time gcd computation and modular inversion" (TCHES 2019), in variable time and with
    /// the transition matrices of Pieter Wuille's description in libsecp256k1 (`doc/safegcd_implementation.md`).
    #[inline(never)]
    pub(super) fn inverted(&self) -> Self {
        let mut eta = -1;
        let (mut f, mut g) = (*M::M, self.limbs);
        let (mut d, mut e) = ([0; L], Self::UNIT.limbs);
        while g != [0; L] {
            let matrix = Steps::take(&mut eta, f[0], g[0], M::LIMB_BITS);
            (f, g) = matrix.apply::<M, L>(&f, &g, |_| 0);
            // Divisible by 2^LIMB_BITS once the right multiple of `m` is added, as in Montgomery's method.
            (d, e) = matrix.apply::<M, L>(&d, &e, |sum| sum.wrapping_mul(M::FACTOR) & M::MASK);
        }
        // Now f is 1 or -1, and d times the number has the residue f.
        let inverse = Self {
            limbs: if f[L - 1] < 0 { d.map(|limb| -limb) } else { d },
            #[cfg(debug_assertions)]
            bounds: Bounds { limbs: (-1.0, 1.0), value: (-60.0, 60.0) },
            modulus: PhantomData,
        };
        inverse.least()
    }
}

/// The inverses of residues in Montgomery form, none of them zero, by one inversion: Montgomery's trick, "Handbook of elliptic
/// and hyperelliptic curve cryptography" (2005), algorithm 11.15.
pub(super) fn inverses<M: Modulus<L>, const L: usize>(
    residues: impl DoubleEndedIterator<Item = Residue<M, L>> + Clone,
) -> Vec<Residue<M, L>> {
    let mut product = *Residue::ONE;
    let mut inverses = Vec::new();
    for residue in residues.clone() {
        inverses.push(product);
        product = product.mul(&residue);
    }
    let mut inverse = product.integer().inverted().montgomery();
    for (residue, place) in residues.rev().zip(inverses.iter_mut().rev()) {
        *place = inverse.mul(place);
        inverse = inverse.mul(&residue);
    }
    inverses
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

/// What a batch of `LIMB_BITS` division steps does to `f` and `g`, but for the division by `2^LIMB_BITS`.
struct Steps {
    /// `|u| + |v|` and `|q| + |r|` are at most `2^LIMB_BITS`.
    to_f: (i64, i64),
    to_g: (i64, i64),
}

impl Steps {
    /// The steps depend on the lowest bits only, and on `eta`.
    fn take(eta: &mut i32, lowest_f: i32, lowest_g: i32, steps: usize) -> Self {
        let (mut f, mut g) = (lowest_f, lowest_g);
        let (mut u, mut v, mut q, mut r) = (1_i32, 0_i32, 0_i32, 1_i32);
        let mut left = steps as u32;
        loop {
            // The bit above those that are left stops the count.
            let zeros = (g | -1 << left).trailing_zeros();
            g >>= zeros;
            u <<= zeros;
            v <<= zeros;
            *eta -= zeros as i32;
            left -= zeros;
            if left == 0 {
                return Self { to_f: (i64::from(u), i64::from(v)), to_g: (i64::from(q), i64::from(r)) };
            }
            if *eta < 0 {
                *eta = -*eta;
                (f, g) = (g, f.wrapping_neg());
                (u, q) = (q, u.wrapping_neg());
                (v, r) = (r, v.wrapping_neg());
            }
            // As many steps as will not swap: adds the multiple of f that clears that many bits of g, at most 4.
            let clearable = (*eta + 1).min(left as i32).min(4);
            let inverse = f.wrapping_add(((f.wrapping_add(1)) & 4) << 1);
            let multiple = inverse.wrapping_neg().wrapping_mul(g) & ((1 << clearable) - 1);
            g = g.wrapping_add(f.wrapping_mul(multiple));
            q = q.wrapping_add(u.wrapping_mul(multiple));
            r = r.wrapping_add(v.wrapping_mul(multiple));
        }
    }

    /// `(u x + v y + k m, q x + r y + l m) / 2^LIMB_BITS`; `multiple` says `k` and `l`, from the lowest limbs of the sums.
    fn apply<M: Modulus<L>, const L: usize>(
        &self,
        x: &[i32; L],
        y: &[i32; L],
        multiple: impl Fn(i64) -> i64,
    ) -> ([i32; L], [i32; L]) {
        let row = |(first, second): (i64, i64)| {
            let mut limbs = [0; L];
            let mut sum = first * i64::from(x[0]) + second * i64::from(y[0]);
            let k = multiple(sum);
            sum = (sum + k * M::LIMBS[0]) >> M::LIMB_BITS;
            for i in 1..L {
                sum += first * i64::from(x[i]) + second * i64::from(y[i]) + k * M::LIMBS[i];
                limbs[i - 1] = (sum & M::MASK) as i32;
                sum >>= M::LIMB_BITS;
            }
            limbs[L - 1] = sum as i32;
            limbs
        };
        (row(self.to_f), row(self.to_g))
    }
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

#[cfg(debug_assertions)]
fn exp2(power: usize) -> f64 {
    f64::from_bits((1023 + power as u64) << 52)
}

#[cfg(debug_assertions)]
impl Bounds {
    fn plus<M: Modulus<L>, const L: usize>(&self, other: &Self) -> Self {
        let sum = |(a, b): (f64, f64), (c, d): (f64, f64)| (a + c, b + d);
        let bounds = Self { limbs: sum(self.limbs, other.limbs), value: sum(self.value, other.value) };
        assert!(magnitude(bounds.limbs) * exp2(M::LIMB_BITS) < exp2(31), "a limb may overflow");
        bounds
    }

    fn negative(&self) -> Self {
        let negative = |(low, high): (f64, f64)| (-high, -low);
        Self { limbs: negative(self.limbs), value: negative(self.value) }
    }

    fn product<M: Modulus<L>, const L: usize>(&self, other: &Self) -> Self {
        let products = L as f64 * magnitude(self.limbs) * magnitude(other.limbs) * exp2(2 * M::LIMB_BITS);
        let multiples = M::LIMBS.iter().map(|limb| limb.unsigned_abs() as f64).sum::<f64>() * exp2(M::LIMB_BITS);
        let carry = exp2(64 - M::LIMB_BITS);
        if let Some(fold) = M::FOLD {
            let fold = fold as f64;
            let upper = exp2(M::LIMB_BITS).max(carry);
            let largest = products + upper * fold * exp2(M::LIMB_BITS - M::TOP_BITS) + carry;
            assert!(largest < exp2(63), "a column may overflow");
            let last_carry = largest / exp2(M::TOP_BITS) * fold / exp2(M::LIMB_BITS) + 1.0;
            let beyond = last_carry / exp2(M::LIMB_BITS);
            assert!(beyond < 0.001, "the second limb may be too large");
            return Self { limbs: (-beyond, 1.0 + beyond), value: (-0.001, 1.001) };
        }
        assert!(products + multiples + carry < exp2(63), "a column may overflow");
        let slack = exp2(L * M::LIMB_BITS - M::BITS);
        let value = magnitude(self.value) * magnitude(other.value) / slack;
        assert!(value <= 4.0, "a product may be too large");
        Self { limbs: (0.0, 1.0), value: (-value, 1.0 + value) }
    }

    fn scaled<M: Modulus<L>, const L: usize>(&self, scale: i64) -> Self {
        assert!(magnitude(self.limbs) * scale as f64 <= 64.0, "an excess may be too large");
        // The excess is right but for what the other limbs would carry into the last.
        Self { limbs: (0.0, 1.0), value: (-0.001, 1.001) }
    }
}

#[cfg(debug_assertions)]
fn magnitude((low, high): (f64, f64)) -> f64 {
    high.max(-low)
}

#[cfg(test)]
mod tests;
