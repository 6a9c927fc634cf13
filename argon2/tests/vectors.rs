//! Known answers: RFC 9106's own, and the limits.

use tokenward_argon2::{Cost, Input, argon2id};

/// RFC 9106 5.3, with the optional inputs that JavaScript does not use.
#[test]
fn is_the_argon2id_of_rfc_9106() {
    let input = Input { secret: &[1; 32], salt: &[2; 16], pepper: &[3; 8], associated: &[4; 12] };
    let tag = [
        0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c, 0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9, 0xd0, 0x1e,
        0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e, 0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59,
    ];
    let key = argon2id(&input, Cost { memory: 32, iterations: 3, lanes: 4 });
    assert_eq!(key.as_deref(), Some(&tag));
}

#[test]
fn refuses_what_rfc_9106_does_not_allow() {
    let good = Input { secret: b"1234", salt: &[0; 16], ..Input::default() };
    let cost = Cost { memory: 8, iterations: 1, lanes: 1 };
    assert!(argon2id(&good, cost).is_some());
    assert!(argon2id(&Input { salt: &[0; 7], ..good }, cost).is_none());
    assert!(argon2id(&Input { associated: &[0; 33], ..good }, cost).is_none());
    for cost in [
        Cost { memory: 7, ..cost },
        Cost { iterations: 0, ..cost },
        Cost { lanes: 0, ..cost },
        Cost { lanes: 2, ..cost },
    ] {
        assert!(argon2id(&good, cost).is_none(), "{cost:?}");
    }
}

/// The functions JavaScript calls: a byte at a time, and nothing is left.
#[test]
fn crosses_byte_by_byte_and_forgets() {
    use tokenward_argon2::{KEY_BYTES, derive, key, salt, secret};
    let (pin, grains) = ([0x31; 200], [9; 16]);
    let input = Input { secret: &pin, salt: &grains, ..Input::default() };
    let expected = argon2id(&input, Cost { memory: 16, iterations: 2, lanes: 1 }).unwrap();
    pin.into_iter().for_each(secret);
    grains.into_iter().for_each(salt);
    assert!(derive(16, 2, 1));
    let read = || (0..KEY_BYTES).map(key).collect::<Vec<_>>();
    assert_eq!(read(), *expected);
    assert_eq!(read(), [0; KEY_BYTES]);
    assert_eq!(key(KEY_BYTES), 0);
    assert!(!derive(16, 2, 1), "the salt is gone");
}
