//! Any text as a token: never a panic, and what is accepted was signed.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tokenward::{Accept, JwkSet, UnixTime, Verifier};

/// RFC 7515 A.3 and RFC 8037 A.4.
const KEYS: &str = r#"{"keys":[
    {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
    {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
/// Its payload; nobody else has these private keys.
const SIGNED: &str = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let keys = JwkSet::from_json(KEYS).expect("good keys");
    Verifier::builder(keys, Accept::Any, Accept::Any).build().expect("good options")
});

fuzz_target!(|text: &str| {
    let now = UnixTime::from_secs_f64(1_300_819_300.0).expect("a time");
    match VERIFIER.verify(text, now) {
        Ok(token) => assert_eq!(token.payload(), SIGNED),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
