//! dalek's columns of the table in docs/audit.md: what `verify` and `verify_strict` say of Ed25519 signatures that are
//! malleable, of small or mixed order, or not canonical.
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it expects by failing")]

use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use serde_json::Value;

const TABLE: &str = include_str!("../docs/audit.md");
const INPUTS: &str = include_str!("judged/inputs.json");

#[test]
fn the_table_has_what_dalek_answers() {
    let inputs: Value = serde_json::from_str(INPUTS).expect("inputs.json is JSON");
    let inputs = inputs.as_array().expect("a list");
    assert!(inputs.len() >= 12);
    for input in inputs {
        let text = |member: &str| input[member].as_str().expect("a string");
        let name = text("name");
        let bytes = |member: &str| decoded(text(member));
        let answers = answers(&bytes("x"), text("message").as_bytes(), &bytes("signature"));
        let cells = cells(name);
        assert_eq!(cells[cells.len() - 2..], answers, "{name}: docs/audit.md should say {answers:?}");
        // Nothing holds here that dalek, asked strictly, refuses.
        assert!(cells[0] != "holds" || answers[1] == "holds", "{name}");
    }
}

fn answers(key: &[u8], message: &[u8], signature: &[u8]) -> [&'static str; 2] {
    let key: &[u8; 32] = key.try_into().expect("32 bytes");
    let Ok(key) = VerifyingKey::from_bytes(key) else {
        return ["key refused"; 2];
    };
    let signature = Signature::from_slice(signature).expect("64 bytes");
    [key.verify(message, &signature), key.verify_strict(message, &signature)]
        .map(|answer| if answer.is_ok() { "holds" } else { "refused" })
}

/// The answers of a row, from left to right.
fn cells(name: &str) -> Vec<&'static str> {
    let line = TABLE.lines().find(|line| line.starts_with(&format!("| {name} |")));
    let line = line.unwrap_or_else(|| panic!("docs/audit.md has no row \"{name}\": run npm run judged"));
    line.trim_matches('|').split('|').skip(1).map(str::trim).collect()
}

fn decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
