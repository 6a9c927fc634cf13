//! Inverses modulo a prime.

use alloc::vec::Vec;
use core::marker::PhantomData;

#[cfg(debug_assertions)]
use super::bounds::Bounds;
use super::{Modulus, Residue};

impl<M: Modulus<L>, const L: usize> Residue<M, L> {
    /// The inverse of a number in `[1, m)`, modulo a prime `m`; neither is in Montgomery form. Anything in `(-60m, 60m)`.
    ///
    /// Bernstein, Yang, "Fast constant-time gcd computation and modular inversion" (TCHES 2019), in variable time and with
    /// the transition matrices of Pieter Wuille's description in libsecp256k1 (`doc/safegcd_implementation.md`).
    #[inline(never)]
    pub(in crate::engine::fast) fn inverted(&self) -> Self {
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
pub(in crate::engine::fast) fn inverses<M: Modulus<L>, const L: usize>(
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
            let zeros = (g | 1 << left).trailing_zeros();
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

#[cfg(test)]
mod tests;
