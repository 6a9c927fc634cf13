//! Strict base64url (RFC 4648 section 5, as RFC 7515 section 2 narrows it): no padding, no white space, and only the
//! one canonical spelling of each byte string, so that a token has no second form.

/// The bytes, or `None` where the text is not the canonical unpadded encoding of any.
#[cfg(any(not(feature = "wasm"), feature = "reference"))]
pub(crate) use by_crate::decode;
#[cfg(all(feature = "wasm", not(feature = "reference")))]
pub(crate) use small::decode;

#[cfg(any(not(feature = "wasm"), feature = "reference"))]
mod by_crate {
    use alloc::vec::Vec;

    use base64::Engine as _;
    use base64::alphabet::URL_SAFE;
    use base64::engine::DecodePaddingMode;
    use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

    const STRICT: GeneralPurpose = GeneralPurpose::new(
        &URL_SAFE,
        GeneralPurposeConfig::new()
            .with_encode_padding(false)
            .with_decode_padding_mode(DecodePaddingMode::RequireNone)
            .with_decode_allow_trailing_bits(false),
    );

    pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
        STRICT.decode(text).ok()
    }
}

/// The same in a third of the code: in JavaScript, where each kilobyte is downloaded.
#[cfg(any(test, all(feature = "wasm", not(feature = "reference"))))]
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "the compiler makes the table"
)]
mod small {
    use alloc::vec::Vec;

    pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
        let (groups, rest) = text.as_chunks::<4>();
        let mut bytes = Vec::with_capacity(3 * groups.len() + 2);
        bytes.resize(3 * groups.len(), 0);
        // What is no value has bits beyond the six of one.
        let mut seen = 0;
        let mut decoded = |group: &[u8; 4]| {
            let [one, two, three, four] = group.map(value);
            seen |= one | two | three | four;
            let [_, decoded @ ..] = (one << 18 | two << 12 | three << 6 | four).to_be_bytes();
            decoded
        };
        for (place, group) in bytes.as_chunks_mut().0.iter_mut().zip(groups) {
            *place = decoded(group);
        }
        // What is left of a last byte must be zero.
        let (last, count) = match *rest {
            [] => ([0; 3], 0),
            [one, two] => (decoded(&[one, two, b'A', b'A']), 1),
            [one, two, three] => (decoded(&[one, two, three, b'A']), 2),
            _ => return None,
        };
        let (last, unused) = last.split_at(count);
        bytes.extend_from_slice(last);
        (seen < 64 && unused.iter().all(|byte| *byte == 0)).then_some(bytes)
    }

    /// The 6 bits of a character, or 255.
    #[inline(always)]
    fn value(character: u8) -> u32 {
        u32::from(VALUES.get(usize::from(character)).copied().unwrap_or(u8::MAX))
    }

    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    static VALUES: [u8; 256] = {
        let mut values = [u8::MAX; 256];
        let mut value = 0;
        while value < 64 {
            values[ALPHABET[value] as usize] = value as u8;
            value += 1;
        }
        values
    };
}

/// What keeps a text from being decoded, for people.
pub(crate) fn problem(text: &[u8]) -> &'static str {
    let has = |test: fn(&u8) -> bool| text.iter().any(test);
    if has(|byte| matches!(byte, b'+' | b'/')) {
        "it is standard base64; base64url has - for + and _ for /, and no = at the end"
    } else if has(|byte| *byte == b'=') {
        "it is padded with =, which JOSE leaves out"
    } else if has(u8::is_ascii_whitespace) {
        "there is white space in it"
    } else {
        "it is not canonical base64url without padding"
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::{by_crate, small};

    #[test]
    fn only_the_canonical_spelling_decodes() {
        for decode in [by_crate::decode, small::decode] {
            assert_eq!(decode(b"").as_deref(), Some(&[][..]));
            assert_eq!(decode(b"-_8").as_deref(), Some(&[0xfb, 0xff][..]));
            for refused in ["-_9", "-_8=", "+/8", "-_8\n", " -_8", "A", "AAAAA", "-_\u{e9}"] {
                assert_eq!(decode(refused.as_bytes()), None, "{refused:?}");
            }
        }
    }

    /// Every text of up to three characters, of those that are in the alphabet or beside it, behind whole groups and alone.
    #[test]
    fn both_decoders_agree_about_every_ending() {
        let characters: Vec<char> = ('\0'..='\u{7f}')
            .filter(|character| character.is_ascii_alphanumeric() || "-_+/=, @[`{\n\0".contains(*character))
            .collect();
        let mut endings = Vec::from([String::new()]);
        for length in 0..3 {
            let longer = endings.iter().filter(|ending| ending.chars().count() == length);
            let longer: Vec<_> =
                longer.flat_map(|ending| characters.iter().map(move |last| alloc::format!("{ending}{last}"))).collect();
            endings.extend(longer);
        }
        for ending in endings {
            for before in ["", "Zm9v"] {
                let text = alloc::format!("{before}{ending}");
                assert_eq!(small::decode(text.as_bytes()), by_crate::decode(text.as_bytes()), "{text:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn both_decoders_agree(text in "[A-Za-z0-9_-]{0,40}([+/=. \n\u{e9}][A-Za-z0-9_-]{0,5})?") {
            prop_assert_eq!(small::decode(text.as_bytes()), by_crate::decode(text.as_bytes()));
        }
    }
}
