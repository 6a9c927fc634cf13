//! Inputs that look like what a verifier reads, and mostly are not.

// Each test program uses a part of this.
#![allow(dead_code)]

use crate::signing::text;
use proptest::prelude::*;
use serde_json::Value;

/// Text of JSON's own characters and words, rarely JSON.
pub(crate) fn jsonish() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\":", "\"\\u0061\":", "{\"a\":1}", "1", "-", "0", ".", "e", "+", "true",
            "null", " ", "\n", "\\", "\\u", "\\ud800", "\\udc00", "\"\\ud83d\\ude00\"", "\u{feff}", "\u{a0}", "é", "\0", "\u{1f}", "/",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// JSON of any shape.
pub(crate) fn json_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "false",
            "0",
            "-0",
            "{}",
            "[]",
            "\"\"",
            "\"\\u0061\"",
            "\"\\\"\\/\""
        ])
        .prop_map(str::to_owned),
        number(),
        any::<String>().prop_map(|string| Value::from(string).to_string()),
    ];
    leaf.prop_recursive(70, 40, 4, |inner| {
        let name = prop::sample::select(vec!["a", "b", "\\u0061", "__proto__", "c", "d", "e", ""]);
        let members = prop::collection::vec((name, inner.clone()), 0..4);
        prop_oneof![
            members.prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\" : {value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|elements| format!("[{}]", elements.join(" ,\n"))),
            (inner, 1..70_usize).prop_map(|(inner, levels)| format!(
                "{}{inner}{}",
                "[".repeat(levels),
                "]".repeat(levels)
            )),
        ]
    })
}

/// JSON, often with one character changed, taken away or put in.
pub(crate) fn mutated_json() -> impl Strategy<Value = String> {
    let noise =
        prop_oneof![prop::sample::select("{}[]\",:\\ue0.-+ \t\u{0}\u{85}".chars().collect::<Vec<_>>()), any::<char>()];
    (json_value(), any::<prop::sample::Index>(), noise, 0..4_u8).prop_map(|(text, place, noise, how)| {
        let mut characters: Vec<char> = text.chars().collect();
        let place = place.index(characters.len());
        match how {
            0 => characters[place] = noise,
            1 => characters.insert(place, noise),
            2 => {
                characters.remove(place);
            }
            _ => {}
        }
        characters.into_iter().collect()
    })
}

/// Within the range of a double, as many digits as anybody writes.
pub(crate) fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?",
        "-?[1-9](\\.[0-9]{1,17})?[eE][+-]?[12][0-9]{2}",
        any::<f64>()
            .prop_filter("finite", |number| number.is_normal())
            .prop_map(|number| Value::from(number).to_string()),
    ]
}

/// At most 15 digits, and a power of ten of at most 22 either way.
pub(crate) fn short_number() -> impl Strategy<Value = String> {
    ("-?(0|[1-9][0-9]{0,6})(\\.[0-9]{1,8})?", -14..=22_i32)
        .prop_map(|(digits, exponent)| if exponent == 0 { digits } else { format!("{digits}e{exponent}") })
}

pub(crate) fn base64ish() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-z0-9_-]{0,12}", "[A-Za-z0-9_=+/ -]{0,12}"]
}

/// A header or payload: mostly base64url of something like JSON.
pub(crate) fn segment() -> impl Strategy<Value = String> {
    let header = r#"\{"alg":"(EdDSA|ES256|RS256|none)"(,"(kid|typ|crit|b64|alg)":(1|null|"x"|\[\]))?\}"#;
    prop_oneof![
        header.prop_map(|header| text(header.as_bytes())),
        jsonish().prop_map(|json| text(json.as_bytes())),
        json_value().prop_map(|json| text(json.as_bytes())),
        any::<Vec<u8>>().prop_map(|bytes| text(&bytes)),
        base64ish(),
    ]
}

/// Objects with the members of a JWK, most of them wrong.
pub(crate) fn jwkish() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops", "d", "k"]);
    let value = prop_oneof![
        prop::sample::select(vec![
            "\"RSA\"",
            "\"EC\"",
            "\"OKP\"",
            "\"P-256\"",
            "\"P-521\"",
            "\"Ed25519\"",
            "\"AQAB\"",
            "\"sig\""
        ])
        .prop_map(str::to_owned),
        prop::sample::select(vec![0, 1, 32, 48, 66, 256, 1024]).prop_flat_map(|size| {
            prop::collection::vec(any::<u8>(), size).prop_map(|bytes| format!("\"{}\"", text(&bytes)))
        }),
        json_value(),
    ];
    prop::collection::hash_map(name, value, 1..8).prop_map(|members| {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}
