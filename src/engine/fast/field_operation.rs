//! Single operations of the fields and orders, for whoever compares them: no verification comes here.

use alloc::vec::Vec;

use super::super::compare::{Field, FieldOperation};
use super::field::{Modulus, Residue};
use super::{ecdsa, edwards};

pub(in crate::engine) fn field(field: Field, operation: FieldOperation, a: &[u8], b: &[u8]) -> Vec<u8> {
    match field {
        Field::P256 => apply::<ecdsa::P256Field, 9>(operation, a, b),
        Field::P384 => apply::<ecdsa::P384Field, 14>(operation, a, b),
        Field::P521 => apply::<ecdsa::P521Field, 19>(operation, a, b),
        Field::F25519 => apply::<edwards::Field, 9>(operation, a, b),
        Field::N256 => apply::<ecdsa::P256Order, 9>(operation, a, b),
        Field::N384 => apply::<ecdsa::P384Order, 14>(operation, a, b),
        Field::N25519 => apply::<edwards::Order, 9>(operation, a, b),
    }
}

/// In Montgomery form, as the formulas of the points compute.
fn apply<M: Modulus<L>, const L: usize>(operation: FieldOperation, a: &[u8], b: &[u8]) -> Vec<u8> {
    let [plain_a, plain_b] = [a, b].map(Residue::<M, L>::from_be_bytes);
    let (a, b) = (plain_a.montgomery(), plain_b.montgomery());
    let number = match operation {
        FieldOperation::Mul => a.mul(&b).integer(),
        FieldOperation::Square => a.square().integer(),
        FieldOperation::Add => (&a + &b).integer(),
        FieldOperation::Sub => (&a - &b).integer(),
        FieldOperation::WideMul => (&a + &b).mul(&(&a - &b)).integer(),
        FieldOperation::WideSquare => (&a - &b).square().integer(),
        FieldOperation::Invert => plain_a.least().inverted(),
    };
    let size = M::BITS.div_ceil(8);
    (0..size).rev().map(|byte| number.bits(8 * byte, 8) as u8).collect()
}
