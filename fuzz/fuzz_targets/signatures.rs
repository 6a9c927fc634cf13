//! Signatures that hold, changed in any way: both engines answer alike.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenward::Algorithm;
use tokenward::compare::{Engine, Key, Numbers};

macro_rules! curve {
    ($name:ident, $curve:ident, $algorithm:ident, $size:literal) => {
        fn $name(private: u8, message: &[u8], changes: &[u8]) {
            use $curve::ecdsa::signature::Signer;
            use $curve::ecdsa::{Signature, SigningKey};
            use $curve::elliptic_curve::point::AffineCoordinates;
            let mut bytes = [0; $size];
            bytes[$size - 1] = private.max(1);
            let key = SigningKey::from_slice(&bytes).expect("a private key");
            let point = *key.verifying_key().as_affine();
            let signature: Signature = key.sign(message);
            let numbers = Numbers::Ec { algorithm: Algorithm::$algorithm, x: &point.x(), y: &point.y() };
            compare(numbers, Algorithm::$algorithm, message, signature.to_bytes().to_vec(), changes);
        }
    };
}

curve!(p256, p256, Es256, 32);
curve!(p384, p384, Es384, 48);
curve!(p521, p521, Es512, 66);

fn ed25519(private: u8, message: &[u8], changes: &[u8]) {
    use ed25519_dalek::{Signer, SigningKey};
    let key = SigningKey::from_bytes(&[private; 32]);
    let public = key.verifying_key().to_bytes();
    let signature = key.sign(message).to_bytes().to_vec();
    compare(Numbers::Ed25519(&public), Algorithm::EdDsa, message, signature, changes);
}

/// Each change is a place and what is added there; without any the signature must hold.
fn compare(numbers: Numbers<'_>, algorithm: Algorithm, message: &[u8], good: Vec<u8>, changes: &[u8]) {
    let mut signature = good.clone();
    for change in changes.chunks_exact(2) {
        let place = usize::from(change[0]) % signature.len();
        signature[place] = signature[place].wrapping_add(change[1]);
    }
    let [fast, reference] = [Engine::Fast, Engine::Reference].map(|engine| Key::new(engine, numbers).expect("a key"));
    let expected = reference.verify(algorithm, message, &signature);
    assert!(expected || signature != good);
    for _ in 0..2 {
        assert_eq!(fast.verify(algorithm, message, &signature), expected);
    }
}

fuzz_target!(|data: &[u8]| {
    let [kind, private, length, rest @ ..] = data else { return };
    let (message, changes) = rest.split_at(usize::from(*length).min(rest.len()));
    match kind % 4 {
        0 => p256(*private, message, changes),
        1 => p384(*private, message, changes),
        2 => p521(*private, message, changes),
        _ => ed25519(*private, message, changes),
    }
});
