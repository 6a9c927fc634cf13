//! RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 sections 8.2 and 8.1).

use alloc::boxed::Box;

use rsa::{BoxedUint, Pkcs1v15Sign, Pss, PublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::super::VerifyingKey;
use crate::Algorithm;
use crate::algorithm::{Hash, Scheme};

pub(super) fn prepare(modulus: &[u8], exponent: &[u8]) -> Result<Box<dyn VerifyingKey>, &'static str> {
    let modulus = BoxedUint::from_be_slice_vartime(modulus);
    let exponent = BoxedUint::from_be_slice_vartime(exponent);
    match PublicKey::new(modulus, exponent) {
        Ok(key) => Ok(Box::new(RsaKey(key))),
        Err(_) => Err("its RSA numbers are not a valid key"),
    }
}

/// Holds the modulus in Montgomery form.
struct RsaKey(PublicKey);

impl VerifyingKey for RsaKey {
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let verified = match algorithm.scheme() {
            Some(Scheme::RsaPkcs1(Hash::Sha256)) => {
                self.pkcs1::<Sha256>(Pkcs1v15Sign::new::<Sha256>(), message, signature)
            }
            Some(Scheme::RsaPkcs1(Hash::Sha384)) => {
                self.pkcs1::<Sha384>(Pkcs1v15Sign::new::<Sha384>(), message, signature)
            }
            Some(Scheme::RsaPkcs1(Hash::Sha512)) => {
                self.pkcs1::<Sha512>(Pkcs1v15Sign::new::<Sha512>(), message, signature)
            }
            Some(Scheme::RsaPss(Hash::Sha256)) => {
                self.0.verify(Pss::<Sha256>::new(), &Sha256::digest(message), signature)
            }
            Some(Scheme::RsaPss(Hash::Sha384)) => {
                self.0.verify(Pss::<Sha384>::new(), &Sha384::digest(message), signature)
            }
            Some(Scheme::RsaPss(Hash::Sha512)) => {
                self.0.verify(Pss::<Sha512>::new(), &Sha512::digest(message), signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }
}

impl RsaKey {
    fn pkcs1<D: Digest>(&self, scheme: Pkcs1v15Sign, message: &[u8], signature: &[u8]) -> rsa::Result<()> {
        self.0.verify(scheme, &D::digest(message), signature)
    }
}
