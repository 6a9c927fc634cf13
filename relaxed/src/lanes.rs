//! Two 64-bit lanes, taken as doubles or as integers: a 128-bit register of WebAssembly's. Elsewhere it is a model of one, in
//! which a multiplication and an addition are fused for certain, for the tests.

#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
mod register {
    use core::arch::wasm32::{
        f64x2, f64x2_extract_lane, f64x2_mul, f64x2_relaxed_madd, f64x2_splat, f64x2_sub, i64x2, i64x2_add,
        i64x2_extract_lane, i64x2_shuffle, i64x2_splat, u64x2_shr, v128, v128_and, v128_or,
    };

    #[derive(Clone, Copy)]
    pub(crate) struct Lanes(v128);

    impl Lanes {
        pub(crate) const ZERO: Self = Self(i64x2(0, 0));

        #[inline(always)]
        pub(crate) fn new(low: f64, high: f64) -> Self {
            Self(f64x2(low, high))
        }

        #[inline(always)]
        pub(crate) fn of_bits(low: i64, high: i64) -> Self {
            Self(i64x2(low, high))
        }

        #[inline(always)]
        pub(crate) fn both(value: f64) -> Self {
            Self(f64x2_splat(value))
        }

        #[inline(always)]
        pub(crate) fn both_bits(bits: i64) -> Self {
            Self(i64x2_splat(bits))
        }

        #[inline(always)]
        pub(crate) fn doubles(self) -> [f64; 2] {
            [f64x2_extract_lane::<0>(self.0), f64x2_extract_lane::<1>(self.0)]
        }

        #[inline(always)]
        pub(crate) fn bits(self) -> [i64; 2] {
            [i64x2_extract_lane::<0>(self.0), i64x2_extract_lane::<1>(self.0)]
        }

        /// `self * by + plus`, rounded once where an engine fuses.
        #[inline(always)]
        pub(crate) fn fused(self, by: Self, plus: Self) -> Self {
            Self(f64x2_relaxed_madd(self.0, by.0, plus.0))
        }

        #[inline(always)]
        pub(crate) fn minus(self, other: Self) -> Self {
            Self(f64x2_sub(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn times(self, other: Self) -> Self {
            Self(f64x2_mul(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn plus_bits(self, other: Self) -> Self {
            Self(i64x2_add(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            Self(v128_and(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn or(self, other: Self) -> Self {
            Self(v128_or(self.0, other.0))
        }

        /// Of bits without a sign.
        #[inline(always)]
        pub(crate) fn shifted(self, right: u32) -> Self {
            Self(u64x2_shr(self.0, right))
        }

        /// The first lane, in both.
        #[inline(always)]
        pub(crate) fn low(self) -> Self {
            Self(i64x2_shuffle::<0, 0>(self.0, self.0))
        }

        /// The second lane, in both.
        #[inline(always)]
        pub(crate) fn high(self) -> Self {
            Self(i64x2_shuffle::<1, 1>(self.0, self.0))
        }

        /// The lanes, exchanged.
        #[inline(always)]
        pub(crate) fn swapped(self) -> Self {
            Self(i64x2_shuffle::<1, 0>(self.0, self.0))
        }

        /// The last lane of what is before, then this one's first.
        #[inline(always)]
        pub(crate) fn after(self, before: Self) -> Self {
            Self(i64x2_shuffle::<1, 2>(before.0, self.0))
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "relaxed-simd")))]
mod register {
    #[derive(Clone, Copy)]
    pub(crate) struct Lanes([i64; 2]);

    impl Lanes {
        pub(crate) const ZERO: Self = Self([0; 2]);

        pub(crate) fn new(low: f64, high: f64) -> Self {
            Self([low.to_bits().cast_signed(), high.to_bits().cast_signed()])
        }

        pub(crate) fn of_bits(low: i64, high: i64) -> Self {
            Self([low, high])
        }

        pub(crate) fn both(value: f64) -> Self {
            Self::new(value, value)
        }

        pub(crate) fn both_bits(bits: i64) -> Self {
            Self([bits; 2])
        }

        pub(crate) fn doubles(self) -> [f64; 2] {
            self.0.map(|bits| f64::from_bits(bits.cast_unsigned()))
        }

        pub(crate) fn bits(self) -> [i64; 2] {
            self.0
        }

        /// `self * by + plus`, rounded once.
        pub(crate) fn fused(self, by: Self, plus: Self) -> Self {
            let ([a, b], [c, d], [e, f]) = (self.doubles(), by.doubles(), plus.doubles());
            Self::new(a.mul_add(c, e), b.mul_add(d, f))
        }

        pub(crate) fn minus(self, other: Self) -> Self {
            let ([a, b], [c, d]) = (self.doubles(), other.doubles());
            Self::new(a - c, b - d)
        }

        pub(crate) fn times(self, other: Self) -> Self {
            let ([a, b], [c, d]) = (self.doubles(), other.doubles());
            Self::new(a * c, b * d)
        }

        pub(crate) fn plus_bits(self, other: Self) -> Self {
            let ([a, b], [c, d]) = (self.0, other.0);
            Self([a.wrapping_add(c), b.wrapping_add(d)])
        }

        pub(crate) fn and(self, other: Self) -> Self {
            let ([a, b], [c, d]) = (self.0, other.0);
            Self([a & c, b & d])
        }

        pub(crate) fn or(self, other: Self) -> Self {
            let ([a, b], [c, d]) = (self.0, other.0);
            Self([a | c, b | d])
        }

        /// Of bits without a sign.
        pub(crate) fn shifted(self, right: u32) -> Self {
            Self(self.0.map(|bits| (bits.cast_unsigned() >> right).cast_signed()))
        }

        /// The first lane, in both.
        pub(crate) fn low(self) -> Self {
            let [low, _] = self.0;
            Self([low; 2])
        }

        /// The second lane, in both.
        pub(crate) fn high(self) -> Self {
            let [_, high] = self.0;
            Self([high; 2])
        }

        /// The lanes, exchanged.
        pub(crate) fn swapped(self) -> Self {
            let [low, high] = self.0;
            Self([high, low])
        }

        /// The last lane of what is before, then this one's first.
        pub(crate) fn after(self, before: Self) -> Self {
            let ([_, last], [first, _]) = (before.0, self.0);
            Self([last, first])
        }
    }
}

pub(crate) use register::Lanes;
