//! Two doubles that are added and multiplied as one: a 128-bit register of WebAssembly's, or whatever the compiler makes of
//! an array elsewhere.

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod register {
    use core::arch::wasm32::{
        f64x2, f64x2_add, f64x2_extract_lane, f64x2_mul, f64x2_splat, f64x2_sub, i64x2_shuffle, v128,
    };

    #[derive(Clone, Copy)]
    pub(crate) struct Pair(v128);

    impl Pair {
        pub(crate) const ZERO: Self = Self(f64x2(0.0, 0.0));

        #[inline(always)]
        pub(crate) fn new(low: f64, high: f64) -> Self {
            Self(f64x2(low, high))
        }

        #[inline(always)]
        pub(crate) fn both(value: f64) -> Self {
            Self(f64x2_splat(value))
        }

        #[inline(always)]
        pub(crate) fn lanes(self) -> [f64; 2] {
            [f64x2_extract_lane::<0>(self.0), f64x2_extract_lane::<1>(self.0)]
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

        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            Self(f64x2_add(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn minus(self, other: Self) -> Self {
            Self(f64x2_sub(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn times(self, other: Self) -> Self {
            Self(f64x2_mul(self.0, other.0))
        }

        /// `self + a * b`, where the product is exact anyway.
        #[inline(always)]
        pub(crate) fn plus_product(self, a: Self, b: Self) -> Self {
            self.plus(a.times(b))
        }

        /// The last lane of the pair before, then this one's first.
        #[inline(always)]
        pub(crate) fn after(self, before: Self) -> Self {
            Self(i64x2_shuffle::<1, 2>(before.0, self.0))
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod register {
    #[derive(Clone, Copy)]
    pub(crate) struct Pair([f64; 2]);

    impl Pair {
        pub(crate) const ZERO: Self = Self([0.0; 2]);

        #[inline(always)]
        pub(crate) fn new(low: f64, high: f64) -> Self {
            Self([low, high])
        }

        #[inline(always)]
        pub(crate) fn both(value: f64) -> Self {
            Self([value; 2])
        }

        #[inline(always)]
        pub(crate) fn lanes(self) -> [f64; 2] {
            self.0
        }

        /// The first lane, in both.
        #[inline(always)]
        pub(crate) fn low(self) -> Self {
            let [low, _] = self.0;
            Self([low; 2])
        }

        /// The second lane, in both.
        #[inline(always)]
        pub(crate) fn high(self) -> Self {
            let [_, high] = self.0;
            Self([high; 2])
        }

        #[inline(always)]
        pub(crate) fn plus(self, other: Self) -> Self {
            let ([a, b], [c, d]) = (self.0, other.0);
            Self([a + c, b + d])
        }

        #[inline(always)]
        pub(crate) fn minus(self, other: Self) -> Self {
            let ([a, b], [c, d]) = (self.0, other.0);
            Self([a - c, b - d])
        }

        #[inline(always)]
        pub(crate) fn times(self, other: Self) -> Self {
            let ([a, b], [c, d]) = (self.0, other.0);
            Self([a * c, b * d])
        }

        /// `self + a * b`, where the product is exact anyway.
        #[inline(always)]
        pub(crate) fn plus_product(self, a: Self, b: Self) -> Self {
            self.plus(a.times(b))
        }

        /// The last lane of the pair before, then this one's first.
        #[inline(always)]
        pub(crate) fn after(self, before: Self) -> Self {
            let ([first, _], [_, last]) = (self.0, before.0);
            Self([last, first])
        }
    }
}

pub(super) use register::Pair;
