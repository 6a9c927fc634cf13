//! ECDSA on the NIST curves (FIPS 186-5 section 6.4), each with the hash RFC 7518 section 3.4 pairs it with.

use alloc::boxed::Box;

use p256::ecdsa::signature::Verifier;
use p256::elliptic_curve::point::AffineCoordinates;

use super::super::VerifyingKey;
use crate::Algorithm;
use crate::algorithm::KeyType;

/// A curve is its two types; the code over them is the same.
macro_rules! curve {
    ($prepare:ident, $key:ident, $curve:ident, $key_type:expr) => {
        pub(super) fn $prepare(x: &[u8], y: &[u8]) -> Result<Box<dyn VerifyingKey>, &'static str> {
            const OFF_CURVE: &str = "its point is not on the curve";
            let (Ok(x), Ok(y)) = (x.try_into(), y.try_into()) else { return Err(OFF_CURVE) };
            let point = Option::from($curve::AffinePoint::from_coordinates(x, y));
            let key = point.and_then(|point| $curve::ecdsa::VerifyingKey::from_affine(point).ok());
            key.map_or(Err(OFF_CURVE), |key| Ok(Box::new($key(key))))
        }

        struct $key($curve::ecdsa::VerifyingKey);

        impl VerifyingKey for $key {
            fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
                algorithm.key_type() == Some($key_type)
                    && $curve::ecdsa::Signature::from_slice(signature)
                        .is_ok_and(|signature| self.0.verify(message, &signature).is_ok())
            }
        }
    };
}

curve!(prepare_p256, P256Key, p256, KeyType::P256);
curve!(prepare_p384, P384Key, p384, KeyType::P384);
curve!(prepare_p521, P521Key, p521, KeyType::P521);
