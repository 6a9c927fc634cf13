//! Points of short Weierstrass curves `y^2 = x^3 - 3x + b` of prime order.
//!
//! Jacobian coordinates: (X, Y, Z) is the point (X/Z^2, Y/Z^3). Formulas: the Explicit-Formulas Database
//! (hyperelliptic.org/EFD/g1p), "dbl-2001-b" (Bernstein) and "add-1998-cmo-2" (Cohen, Miyaji, Ono), also for a second point
//! of Z = 1.

use alloc::vec::Vec;
use core::marker::PhantomData;

use super::field::{Modulus, Residue, inverses};
use super::multiples::{Group, Tables};

/// A curve, its base point, and the place for the base point's tables.
pub(super) trait Curve<const L: usize>: Copy + Send + Sync + 'static {
    /// The field the coordinates are in.
    type Field: Modulus<L>;
    /// The order of the base point, a prime a little smaller than that of the field.
    type Order: Modulus<L>;
    /// The constant of the equation.
    const B: &'static Residue<Self::Field, L>;
    /// The base point.
    const X: &'static Residue<Self::Field, L>;
    const Y: &'static Residue<Self::Field, L>;

    fn base_tables() -> &'static Tables<Points<Self, L>, L>;
}

/// The points of a curve as a group.
pub(super) struct Points<C, const L: usize>(PhantomData<C>);

/// A point other than the one at infinity, its coordinates in Montgomery form.
#[derive(Clone, Copy)]
pub(super) struct Jacobian<C: Curve<L>, const L: usize> {
    x: Residue<C::Field, L>,
    y: Residue<C::Field, L>,
    z: Residue<C::Field, L>,
}

#[derive(Clone, Copy)]
pub(super) struct Affine<C: Curve<L>, const L: usize> {
    x: Residue<C::Field, L>,
    y: Residue<C::Field, L>,
}

impl<C: Curve<L>, const L: usize> Jacobian<C, L> {
    /// The point with these coordinates, not in Montgomery form, if the curve has it.
    pub(super) fn new(x: &Residue<C::Field, L>, y: &Residue<C::Field, L>) -> Option<Self> {
        if !x.is_below_modulus() || !y.is_below_modulus() {
            return None;
        }
        let (x, y) = (x.montgomery(), y.montgomery());
        let cube = x.square().mul(&x);
        let right = &(&cube - &x.scaled(3)) + &C::B.montgomery();
        (&y.square() - &right).is_zero().then_some(Self { x, y, z: *Residue::ONE })
    }

    /// Whether this is the point's x, a number not in Montgomery form.
    pub(super) fn has_x(&self, x: &Residue<C::Field, L>) -> bool {
        (&x.montgomery().mul(&self.z.square()) - &self.x).is_zero()
    }

    /// The third point of a line, mirrored: `h` and `r` are the differences of x and y between its other two, when these are
    /// brought to the common denominator `z / h`; (x, y) is the first of them.
    #[inline(always)]
    fn chord(
        (x, y): (&Residue<C::Field, L>, &Residue<C::Field, L>),
        h: &Residue<C::Field, L>,
        r: &Residue<C::Field, L>,
        z: Residue<C::Field, L>,
    ) -> Self {
        let hh = h.square();
        let hhh = hh.mul(h);
        let v = x.mul(&hh);
        let x = (&(&r.square() - &hhh) - &v.doubled()).carried();
        Self { x, y: &r.mul(&(&v - &x)) - &y.mul(&hhh), z }
    }
}

impl<C: Curve<L>, const L: usize> Group<L> for Points<C, L> {
    type Order = C::Order;
    type Point = Jacobian<C, L>;
    type Entry = Affine<C, L>;

    fn base() -> Self::Point {
        Jacobian { x: C::X.montgomery(), y: C::Y.montgomery(), z: *Residue::ONE }
    }

    fn base_tables() -> &'static Tables<Self, L> {
        C::base_tables()
    }

    /// No point of a group of odd order doubles to the one at infinity.
    fn double(point: &mut Self::Point) {
        let delta = point.z.square();
        let gamma = point.y.square();
        let beta4 = point.x.mul(&gamma).scaled(4);
        let alpha = (&point.x + &delta).mul(&(&point.x - &delta)).scaled(3);
        let x = (&alpha.square() - &beta4.doubled()).carried();
        let y = &alpha.mul(&(&beta4 - &x)) - &gamma.square().scaled(8);
        *point = Jacobian { x, y, z: point.y.doubled().mul(&point.z) };
    }

    fn sum(one: Option<Self::Point>, other: Option<Self::Point>) -> Option<Self::Point> {
        let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
        let (zz1, zz2) = (one.z.square(), other.z.square());
        let (x1, x2) = (one.x.mul(&zz2), other.x.mul(&zz1));
        let (y1, y2) = (one.y.mul(&other.z.mul(&zz2)), other.y.mul(&one.z.mul(&zz1)));
        let (h, r) = (&x2 - &x1, &y2 - &y1);
        match (h.is_zero(), r.is_zero()) {
            (true, true) => {
                let mut double = one;
                Self::double(&mut double);
                Some(double)
            }
            (true, false) => None,
            (false, _) => Some(Jacobian::chord((&x1, &y1), &h, &r, one.z.mul(&other.z).mul(&h))),
        }
    }

    fn from_entry(entry: &Self::Entry) -> Self::Point {
        Jacobian { x: entry.x, y: entry.y, z: *Residue::ONE }
    }

    fn to_entries(points: &[Self::Point]) -> Vec<Self::Entry> {
        let inverses = inverses(points.iter().map(|point| point.z));
        let entry = |(point, z): (&Self::Point, Residue<C::Field, L>)| {
            let zz = z.square();
            Affine { x: point.x.mul(&zz), y: point.y.mul(&zz.mul(&z)) }
        };
        points.iter().zip(inverses).map(entry).collect()
    }

    /// The sum with a point that is equal or opposite has Z = 0.
    fn add(point: &mut Self::Point, entry: &Self::Entry, negative: bool) {
        let zz = point.z.square();
        let h = &entry.x.mul(&zz) - &point.x;
        let y = entry.y.mul(&zz.mul(&point.z));
        let r = if negative { (&y + &point.y).scaled(-1) } else { (&y - &point.y).carried() };
        *point = Jacobian::chord((&point.x, &point.y), &h, &r, point.z.mul(&h));
    }

    fn is_broken(point: &Self::Point) -> bool {
        point.z.is_zero()
    }
}
