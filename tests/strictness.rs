//! What the strict readers accept, compared with other readers: JSON with `serde_json`, base64url with its definition.
//!
//! Seen from outside, as part of a token.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects by failing")]

mod generators;
mod signing;

use generators::{base64ish, jsonish, mutated_json, number, short_number};
use proptest::prelude::*;
use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use signing::Signer;
use std::collections::HashSet;
use std::fmt;
use tokenward::{JwkSet, UnixTime, Verifier};

const NOW: UnixTime = UnixTime::from_secs(1_760_000_000);
const CLAIMS: &str = r#"{"iss":"https://login.example","aud":"app","exp":1760000300}"#;
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Exactly what serde_json reads with every name once, no deeper than 64, is accepted.
    #[test]
    fn json_is_what_serde_json_says(text in prop_oneof![jsonish(), mutated_json()]) {
        // Judged as a whole: a text may end the object around it, and begin another member.
        let payload = format!("{{\"c\":{text}}}");
        if let Some(expected) = is_strict_json(&payload) {
            prop_assert_eq!(accepts_payload(&payload), expected, "{}", payload);
        }
    }

    /// With up to 15 digits and a small exponent every number is the nearest double; with more, 14 digits are right.
    #[test]
    fn numbers_are_what_they_say(short in short_number(), long in number()) {
        prop_assert_eq!(read_number(&short), short.parse::<f64>().unwrap(), "{}", short);
        let exact: f64 = long.parse().unwrap();
        prop_assert!((read_number(&long) - exact).abs() <= exact.abs() * 1e-14, "{}", long);
    }

    /// A segment is accepted if and only if it is the one canonical spelling of some bytes.
    #[test]
    fn base64url_has_one_spelling(segment in prop_oneof![
        base64ish(), any::<String>(), any::<Vec<u8>>().prop_map(|bytes| signing::text(&bytes)),
    ]) {
        let token = format!("{}.{}.{segment}", signing::text(br#"{"alg":"none"}"#), signing::text(b"{}"));
        let code = verifier(&Signer::eddsa()).verify(&token, NOW).unwrap_err().code();
        prop_assert_eq!(code == "unsupported_algorithm", is_canonical_base64url(&segment), "{}: {:?}", code, segment);
    }
}

fn verifier(signer: &Signer) -> Verifier {
    let keys = JwkSet::from_json(&format!("[{}]", signer.jwk)).unwrap();
    Verifier::builder(keys, "https://login.example", "app").build().unwrap()
}

/// Form is judged before the algorithm, so an unsupported one shows that the form was right.
fn accepts_payload(payload: &str) -> bool {
    let token = format!("{}.{}.", signing::text(br#"{"alg":"none"}"#), signing::text(payload.as_bytes()));
    let error = verifier(&Signer::eddsa()).verify(&token, NOW).unwrap_err();
    assert!(["malformed", "unsupported_algorithm"].contains(&error.code()), "{error}");
    error.code() == "unsupported_algorithm"
}

fn read_number(number: &str) -> f64 {
    let signer = Signer::eddsa();
    let token = signer.sign(r#"{"alg":"EdDSA"}"#, CLAIMS.replace("}", &format!(",\"n\":{number}}}")));
    let token = verifier(&signer).verify(&token, NOW).unwrap();
    token.claims_set().get("n").and_then(|value| value.as_f64()).unwrap()
}

/// By the definition (RFC 4648 sections 3.5 and 5): the alphabet, a length that occurs, unused bits zero.
fn is_canonical_base64url(text: &str) -> bool {
    let place = |byte: &u8| ALPHABET.iter().position(|character| character == byte);
    let unused = match text.len() % 4 {
        0 => 0,
        2 => 0b1111,
        3 => 0b11,
        _ => return false,
    };
    text.bytes().all(|byte| place(&byte).is_some())
        && text.as_bytes().last().and_then(place).is_none_or(|last| last & unused == 0)
}

/// `None` where serde_json does not say: it refuses numbers beyond the range of a double, which are JSON all the same.
fn is_strict_json(text: &str) -> Option<bool> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Strict { depth: 64 }.deserialize(&mut reader).and_then(|()| reader.end());
    match read {
        Err(error) if error.to_string().starts_with("number out of range") => None,
        read => Some(read.is_ok()),
    }
}

/// Reads anything and keeps nothing, but refuses a name that stands twice in an object, and what is too deep.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn inside<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("too deep"))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name) {
                return Err(de::Error::custom("twice"));
            }
            members.next_value_seed(inside)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while elements.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}
