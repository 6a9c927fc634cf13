//! Both engines side by side, for tests, fuzz targets and benchmarks. Not a public interface: it may change at any time.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{KeyMaterial, VerifyingKey, fast, prepare_with, rustcrypto};
use crate::Algorithm;

/// Which arithmetic verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Our own kernels.
    Fast,
    /// `RustCrypto` and dalek.
    Reference,
}

/// The public numbers of a key, big-endian, as a JWK gives them.
#[derive(Clone, Copy, Debug)]
pub enum Numbers<'a> {
    /// Without leading zeros.
    Rsa {
        /// `n`
        modulus: &'a [u8],
        /// `e`
        exponent: &'a [u8],
    },
    /// Coordinates, each of the size of the field of the algorithm's curve.
    Ec {
        /// `ES256`, `ES384` or `ES512`
        algorithm: Algorithm,
        /// `x`
        x: &'a [u8],
        /// `y`
        y: &'a [u8],
    },
    /// An encoded point.
    Ed25519(&'a [u8]),
}

/// A prepared key.
#[expect(missing_debug_implementations, reason = "holds tables")]
pub struct Key(Box<dyn VerifyingKey>);

impl Key {
    /// Prepares a key.
    ///
    /// # Errors
    ///
    /// What is wrong with the key.
    pub fn new(engine: Engine, numbers: Numbers<'_>) -> Result<Self, String> {
        let material = match numbers {
            Numbers::Rsa { modulus, exponent } => KeyMaterial::Rsa { modulus, exponent },
            Numbers::Ec { algorithm: Algorithm::Es384, x, y } => KeyMaterial::P384 { x, y },
            Numbers::Ec { algorithm: Algorithm::Es512, x, y } => KeyMaterial::P521 { x, y },
            Numbers::Ec { x, y, .. } => KeyMaterial::P256 { x, y },
            Numbers::Ed25519(point) => KeyMaterial::Ed25519 { point },
        };
        let prepare = match engine {
            Engine::Fast => fast::prepare,
            Engine::Reference => rustcrypto::prepare,
        };
        prepare_with(prepare, &material).map(Self)
    }

    /// Whether the signature holds.
    #[must_use]
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify(algorithm, message, signature)
    }
}

/// `base` to a power, modulo an RSA modulus, by our kernel. All numbers are big-endian and as long as the modulus, which `Key`
/// must accept; the base is below it, the exponent odd and not 1.
#[must_use]
pub fn rsa_power(modulus: &[u8], exponent: u32, base: &[u8]) -> Vec<u8> {
    fast::rsa_power(modulus, exponent, base)
}

/// Has our engine's RSA keys use a kernel that is given numbers, limbs, words and squarings, as JavaScript does it with the one
/// of `relaxed/`. The first call decides.
#[cfg(not(feature = "wasm"))]
pub fn use_fused(kernel: fn(&mut [u64], usize, usize, u32) -> bool) {
    fast::use_fused(kernel);
}

/// Whether `u * G + v * Q` is what is expected, bit by bit, by windows and by combs. Numbers are below the order and encoded as the
/// algorithm does it, the point as in a JWK (`x` and `y`, or `x` alone); expected is `x` of the sum, or `None` for
/// the point at infinity; of Ed25519 the encoded sum.
#[must_use]
pub fn sums_are(algorithm: Algorithm, point: &[u8], u: &[u8], v: &[u8], expected: Option<&[u8]>) -> [bool; 3] {
    fast::sums_are(algorithm, point, u, v, expected)
}

/// The field of a curve, or the numbers modulo the order of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Of P-256, 32 bytes.
    P256,
    /// Of P-384, 48 bytes.
    P384,
    /// Of P-521, 66 bytes.
    P521,
    /// Of edwards25519, 32 bytes.
    F25519,
    /// The order of P-256, 32 bytes.
    N256,
    /// The order of P-384, 48 bytes.
    N384,
    /// The order of edwards25519's base point, 32 bytes.
    N25519,
}

/// What is computed of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldOperation {
    /// `a * b`
    Mul,
    /// `a * a`
    Square,
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `(a + b) * (a - b)`: the widest factors that the formulas have
    WideMul,
    /// `(a - b) * (a - b)`
    WideSquare,
    /// `1 / a`, of an `a` that is not 0
    Invert,
}

/// An operation of our engine's fields. Numbers are big-endian, of the field's size, and below its prime; so is the answer.
#[must_use]
pub fn field(field: Field, operation: FieldOperation, a: &[u8], b: &[u8]) -> Vec<u8> {
    fast::field(field, operation, a, b)
}
