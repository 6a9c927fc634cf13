//! Points of edwards25519, `-x^2 + y^2 = 1 + d x^2 y^2` modulo 2^255 - 19 (RFC 8032 section 5.1).
//!
//! Extended coordinates: (X, Y, Z, T) is the point (X/Z, Y/Z), and T = XY/Z. Formulas: Hisil, Wong, Carter, Dawson, "Twisted
//! Edwards curves revisited" (ASIACRYPT 2008), sections 3.1 and 3.3, which hold for all pairs of points.

use alloc::vec::Vec;

use super::field::{Modulus, Residue, hexadecimal, inverses, sum_of_powers};
use super::multiples::{Group, Tables};

/// 2^255 - 19.
#[derive(Clone, Copy)]
pub(super) struct Field;

impl Modulus<9> for Field {
    const LIMB_BITS: usize = 29;
    const BITS: usize = 255;
    const LIMBS: &'static [i64; 9] = &sum_of_powers(29, &[(255, 1), (0, -19)]);
    const UNROLLED: bool = true;
    const FOLD: Option<i64> = Some(19);
}

/// The order of the base point, a prime; that of the curve is eight times this.
#[derive(Clone, Copy)]
pub(super) struct Order;

impl Modulus<9> for Order {
    const LIMB_BITS: usize = 29;
    const BITS: usize = 253;
    const LIMBS: &'static [i64; 9] =
        &hexadecimal(29, "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");
    const UNROLLED: bool = false;
}

type Coordinate = Residue<Field, 9>;

const D: &Coordinate = &Residue::hexadecimal("52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3");
const ROOT_OF_MINUS_1: &Coordinate =
    &Residue::hexadecimal("2b8324804fc1df0b2b4d00993dfbd7a72f431806ad2fe478c4ee1b274a0ea0b0");
const BASE_X: &Coordinate = &Residue::hexadecimal("216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a");
const BASE_Y: &Coordinate = &Residue::hexadecimal("6666666666666666666666666666666666666666666666666666666666666658");

/// The points as a group.
pub(super) struct Edwards25519;

/// Coordinates in Montgomery form, which is no other form here: `R` is 1.
#[derive(Clone, Copy)]
pub(super) struct Extended {
    x: Coordinate,
    y: Coordinate,
    z: Coordinate,
    t: Coordinate,
}

/// A point to be added, scaled to Z = 1.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// `y - x`
    difference: Coordinate,
    /// `y + x`
    sum: Coordinate,
    /// `2 d x y`
    product: Coordinate,
}

impl Extended {
    /// From 32 bytes (RFC 8032 section 5.1.3); `None` if they encode no point.
    pub(super) fn decode(encoded: &[u8]) -> Option<Self> {
        let (y, is_odd) = split(encoded)?;
        let y = y.montgomery();
        let yy = y.square();
        let (u, v) = (&yy - Residue::ONE, &D.montgomery().mul(&yy) + Residue::ONE);
        let (u, v) = (u.carried(), v.carried());
        // A root of u / v is u v^3 (u v^7)^((p - 5) / 8), perhaps times that of -1.
        let v3 = v.square().mul(&v);
        let root = u.mul(&v3).mul(&power(&u.mul(&v3.square().mul(&v))));
        let vxx = root.square().mul(&v);
        let root = if (&vxx - &u).is_zero() {
            root
        } else if (&vxx + &u).is_zero() {
            root.mul(&ROOT_OF_MINUS_1.montgomery())
        } else {
            return None;
        };
        if root.is_zero() && is_odd {
            return None;
        }
        let x = if (root.integer().bit(0) == 1) == is_odd { root } else { root.negated().carried() };
        Some(Self::from_affine(x, y))
    }

    fn from_affine(x: Coordinate, y: Coordinate) -> Self {
        Self { x, y, z: *Residue::ONE, t: x.mul(&y) }
    }

    /// Whether these 32 bytes are the one encoding of this point.
    pub(super) fn is_encoded_as(&self, encoded: &[u8]) -> bool {
        let Some((y, is_odd)) = split(encoded) else { return false };
        if !(&y.montgomery().mul(&self.z) - &self.y).is_zero() {
            return false;
        }
        // Of two factors one of which is in Montgomery form, the product is not.
        let x = self.x.mul(&self.z.integer().inverted()).least();
        (x.bit(0) == 1) == is_odd
    }

    /// Whether eight times the point is the neutral one. The points of order 1 and 2 have x = 0; those of order 4, whose
    /// doubles have order 2, have y = 0; and those of order 8, whose doubles have order 4, x^2 + y^2 = 0.
    pub(super) fn has_small_order(&self) -> bool {
        self.t.mul(&(&self.x.square() + &self.y.square())).is_zero()
    }

    pub(super) fn negated(&self) -> Self {
        Self { x: self.x.negated().carried(), t: self.t.negated().carried(), ..*self }
    }
}

/// An encoded y, if it is below p, and whether x is odd.
fn split(encoded: &[u8]) -> Option<(Coordinate, bool)> {
    let mut bytes = <[u8; 32]>::try_from(encoded).ok()?;
    let is_odd = bytes[31] >> 7 == 1;
    bytes[31] &= 0x7f;
    let y = Coordinate::from_le_bytes(&bytes);
    y.is_below_modulus().then_some((y, is_odd))
}

/// To the power of `(p - 5) / 8 = 2^252 - 3`: the number of ones is doubled, or grows by one, until there are 250.
fn power(number: &Coordinate) -> Coordinate {
    let squared = |power: Coordinate, times: usize| (0..times).fold(power, |power, _| power.square());
    let (mut ones, mut power) = (1, *number);
    for next in [2, 3, 6, 7, 14, 15, 30, 31, 62, 124, 125, 250] {
        power = if next == 2 * ones { squared(power, ones).mul(&power) } else { power.square().mul(number) };
        ones = next;
    }
    squared(power, 2).mul(number)
}

impl Group<9> for Edwards25519 {
    type Order = Order;
    type Point = Extended;
    type Entry = Entry;

    fn base() -> Extended {
        Extended::from_affine(BASE_X.montgomery(), BASE_Y.montgomery())
    }

    fn base_tables() -> &'static Tables<Self, 9> {
        static TABLES: Tables<Edwards25519, 9> = Tables::new();
        &TABLES
    }

    fn double(point: &mut Extended) {
        let (e, h) = Self::double_but_t(point);
        point.t = e.mul(&h);
    }

    /// T is what only additions need.
    fn double_on(point: &mut Extended) {
        Self::double_but_t(point);
    }

    fn sum(one: Option<Extended>, other: Option<Extended>) -> Option<Extended> {
        let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
        let a = (&one.y - &one.x).mul(&(&other.y - &other.x));
        let b = (&one.y + &one.x).carried().mul(&(&other.y + &other.x));
        let c = one.t.mul(&D.montgomery().doubled()).mul(&other.t);
        let d = one.z.mul(&other.z).doubled();
        Some(Extended::from_parts(&a, &b, &(&d - &c), &(&d + &c)))
    }

    fn from_entry(entry: &Entry) -> Extended {
        // The sum and the difference are 2y and 2x: Z is 2.
        let (x, y) = ((&entry.sum - &entry.difference).carried(), (&entry.sum + &entry.difference).carried());
        let z = Coordinate::ONE.doubled().carried();
        Extended { x: x.mul(&z), y: y.mul(&z), z: z.mul(&z), t: x.mul(&y) }
    }

    fn to_entries(points: &[Extended]) -> Vec<Entry> {
        let d = D.montgomery().doubled();
        let inverses = inverses(points.iter().map(|point| point.z));
        let entry = |(point, z): (&Extended, Coordinate)| {
            let (x, y) = (point.x.mul(&z), point.y.mul(&z));
            Entry { difference: (&y - &x).carried(), sum: (&y + &x).carried(), product: x.mul(&y).mul(&d) }
        };
        points.iter().zip(inverses).map(entry).collect()
    }

    /// The opposite of an entry has its difference and its sum changed about, and the other sign of its product.
    fn add(point: &mut Extended, entry: &Entry, negative: bool) {
        let (difference, sum) =
            if negative { (&entry.sum, &entry.difference) } else { (&entry.difference, &entry.sum) };
        let a = (&point.y - &point.x).mul(difference);
        let b = (&point.y + &point.x).mul(sum);
        let (c, d) = (point.t.mul(&entry.product), point.z.doubled());
        let (f, g) = if negative { (&d + &c, &d - &c) } else { (&d - &c, &d + &c) };
        *point = Extended::from_parts(&a, &b, &f, &g);
    }

    /// The formulas have no exceptions.
    fn is_broken(_: &Extended) -> bool {
        false
    }
}

impl Edwards25519 {
    /// Section 3.3, with the signs of E, F, G and H turned; answers E and H, whose product is T.
    fn double_but_t(point: &mut Extended) -> (Coordinate, Coordinate) {
        let (a, b) = (point.x.square(), point.y.square());
        let g = &a - &b;
        let f = &g + &point.z.square().doubled();
        let e = point.x.doubled().mul(&point.y).negated();
        let h = &a + &b;
        (point.x, point.y, point.z) = (e.mul(&f), g.mul(&h), f.mul(&g));
        (e, h)
    }
}

impl Extended {
    /// The end of the addition of section 3.1.
    #[inline(always)]
    fn from_parts(a: &Coordinate, b: &Coordinate, f: &Coordinate, g: &Coordinate) -> Self {
        let (e, g, h) = (b - a, g.carried(), b + a);
        Self { x: e.mul(f), y: g.mul(&h), z: f.mul(&g), t: e.mul(&h) }
    }
}
