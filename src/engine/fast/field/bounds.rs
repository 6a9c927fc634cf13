//! Intervals that every residue carries in debug builds, see the bounds in `field.rs`.

use super::Modulus;

/// What is known of a residue by the way it was made.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// The limbs, in units of `2^LIMB_BITS`.
    pub(super) limbs: (f64, f64),
    /// The value, in units of `m`.
    pub(super) value: (f64, f64),
}

pub(super) fn exp2(power: usize) -> f64 {
    f64::from_bits((1023 + power as u64) << 52)
}

impl Bounds {
    pub(super) fn plus<M: Modulus<L>, const L: usize>(&self, other: &Self) -> Self {
        let sum = |(a, b): (f64, f64), (c, d): (f64, f64)| (a + c, b + d);
        let bounds = Self { limbs: sum(self.limbs, other.limbs), value: sum(self.value, other.value) };
        assert!(magnitude(bounds.limbs) * exp2(M::LIMB_BITS) < exp2(31), "a limb may overflow");
        bounds
    }

    pub(super) fn negative(&self) -> Self {
        let negative = |(low, high): (f64, f64)| (-high, -low);
        Self { limbs: negative(self.limbs), value: negative(self.value) }
    }

    pub(super) fn product<M: Modulus<L>, const L: usize>(&self, other: &Self) -> Self {
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

    pub(super) fn scaled<M: Modulus<L>, const L: usize>(&self, scale: i64) -> Self {
        assert!(magnitude(self.limbs) * scale.unsigned_abs() as f64 <= 64.0, "an excess may be too large");
        // The excess is right but for what the other limbs would carry into the last.
        Self { limbs: (0.0, 1.0), value: (-0.001, 1.001) }
    }
}

fn magnitude((low, high): (f64, f64)) -> f64 {
    high.max(-low)
}
