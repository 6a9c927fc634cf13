//! Strict base64url (RFC 4648 section 5, as RFC 7515 section 2 narrows it): no padding, no white space, and only the
//! one canonical spelling of each byte string, so that a token has no second form.

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

/// The bytes, or `None` where the text is not the canonical unpadded encoding of any.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STRICT.decode(text).ok()
}

/// What keeps a text from being decoded, for people.
pub(crate) fn problem(text: &str) -> &'static str {
    let has = |test: fn(&u8) -> bool| text.as_bytes().iter().any(test);
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
    use super::decode;

    #[test]
    fn only_the_canonical_spelling_decodes() {
        assert_eq!(decode("").as_deref(), Some(&[][..]));
        assert_eq!(decode("-_8").as_deref(), Some(&[0xfb, 0xff][..]));
        for refused in ["-_9", "-_8=", "+/8", "-_8\n", " -_8", "A", "AAAAA", "-_\u{e9}"] {
            assert_eq!(decode(refused), None, "{refused:?}");
        }
    }
}
