//! Any text as the payload of a token: what our strict reader accepts, serde_json accepts, and both read the same.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use ed25519_dalek::{Signer, SigningKey};
use libfuzzer_sys::fuzz_target;
use serde_json::Value as Reference;
use tokenward::{Accept, JwkSet, UnixTime, Value, Verifier};

static SIGNER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_bytes(&[7; 32]));
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let x = BASE64URL.encode(SIGNER.verifying_key().to_bytes());
    let keys = JwkSet::from_json(&format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}"#));
    Verifier::builder(keys.expect("good keys"), Accept::Any, Accept::Any)
        .require_exp(false)
        .build()
        .expect("good options")
});

fuzz_target!(|payload: &str| {
    let input = format!("{}.{}", BASE64URL.encode(r#"{"alg":"EdDSA"}"#), BASE64URL.encode(payload));
    let token = format!("{input}.{}", BASE64URL.encode(SIGNER.sign(input.as_bytes()).to_bytes()));
    let Ok(token) = VERIFIER.verify(&token, UnixTime::from_secs_f64(0.0).expect("a time")) else { return };
    assert_eq!(token.payload(), payload);
    let Ok(Reference::Object(expected)) = serde_json::from_str(payload) else {
        // Numbers beyond the doubles are all that serde_json refuses and we do not.
        let claims = token.claims_set();
        assert!(claims.iter().any(|(_, value)| is_beyond(value)), "only we read {payload:?}");
        return;
    };
    let claims = token.claims_set();
    assert_eq!(claims.len(), expected.len());
    assert!(claims.iter().all(|(name, value)| is_same(value, &expected[name])), "{payload:?}");
});

fn is_same(ours: &Value<'_>, reference: &Reference) -> bool {
    match (ours, reference) {
        (Value::Null, Reference::Null) => true,
        (Value::Bool(ours), Reference::Bool(reference)) => ours == reference,
        // Documented: right to 14 digits.
        (Value::Number(ours), Reference::Number(reference)) => reference.as_f64().is_some_and(|reference| {
            *ours == reference || ((ours - reference) / reference).abs() < 1e-14 || subnormal(*ours)
        }),
        (Value::String(ours), Reference::String(reference)) => ours == reference,
        (Value::Array(ours), Reference::Array(reference)) => {
            ours.len() == reference.len()
                && ours.iter().zip(reference).all(|(ours, reference)| is_same(ours, reference))
        }
        (Value::Object(ours), Reference::Object(reference)) => {
            ours.len() == reference.len()
                && ours.iter().all(|(name, value)| reference.get(name).is_some_and(|expected| is_same(value, expected)))
        }
        _ => false,
    }
}

fn subnormal(number: f64) -> bool {
    number.abs() < 1e-300
}

fn is_beyond(value: &Value<'_>) -> bool {
    match value {
        Value::Number(number) => number.abs() > 1e308,
        Value::Array(values) => values.iter().any(is_beyond),
        Value::Object(object) => object.iter().any(|(_, value)| is_beyond(value)),
        _ => false,
    }
}
