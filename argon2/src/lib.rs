//! Argon2id (RFC 9106), and nothing else, for JavaScript.
//!
//! The bytes of the secret and the salt cross one at a time, as numbers. So the module imports nothing and needs no glue,
//! and no view of its memory is left behind in JavaScript. One instance is for one derivation: whoever drops it gives the
//! memory back, which is the only way WebAssembly has.

use core::cell::Cell;

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use wasm_bindgen::prelude::wasm_bindgen;
use zeroize::{Zeroize, Zeroizing};

/// The length of a key in bytes.
pub const KEY_BYTES: usize = 32;

/// What a derivation costs, its owner and whoever guesses.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// In KiB; at least 8 times the lanes.
    pub memory: u32,
    /// Passes over the memory, 1 or more.
    pub iterations: u32,
    /// Lanes, 1 or more; computed one after the other.
    pub lanes: u32,
}

/// What a key is derived from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Input<'i> {
    /// The PIN or passphrase.
    pub secret: &'i [u8],
    /// At least 8 bytes.
    pub salt: &'i [u8],
    /// Optional input of RFC 9106 3.1, its `K`.
    pub pepper: &'i [u8],
    /// Optional input of RFC 9106 3.1, its `X`; at most 32 bytes.
    pub associated: &'i [u8],
}

/// A key of 32 bytes; `None` for a cost or a salt that RFC 9106 does not allow, or when there is not enough memory.
#[must_use]
pub fn argon2id(input: &Input<'_>, cost: Cost) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let params = ParamsBuilder::new()
        .m_cost(cost.memory)
        .t_cost(cost.iterations)
        .p_cost(cost.lanes)
        .data(AssociatedData::new(input.associated).ok()?)
        .output_len(KEY_BYTES)
        .build()
        .ok()?;
    let argon2 = Argon2::new_with_secret(input.pepper, Algorithm::Argon2id, Version::V0x13, params).ok()?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    argon2.hash_password_into(input.secret, input.salt, key.as_mut()).ok()?;
    Some(key)
}

thread_local! {
    static SECRET: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static SALT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static KEY: Cell<[u8; KEY_BYTES]> = const { Cell::new([0; KEY_BYTES]) };
}

/// Adds a byte to the secret.
#[wasm_bindgen]
pub fn secret(byte: u8) {
    push(&SECRET, byte);
}

/// Adds a byte to the salt.
#[wasm_bindgen]
pub fn salt(byte: u8) {
    push(&SALT, byte);
}

/// Derives the key from what was added, which it forgets; says whether that was possible.
#[wasm_bindgen]
#[must_use]
pub fn derive(memory: u32, iterations: u32, lanes: u32) -> bool {
    let secret = Zeroizing::new(SECRET.take());
    let salt = SALT.take();
    let input = Input { secret: &secret, salt: &salt, ..Input::default() };
    let derived = argon2id(&input, Cost { memory, iterations, lanes });
    if let Some(key) = &derived {
        KEY.set(**key);
    }
    derived.is_some()
}

/// A byte of the key, which is then 0; 0 behind the end.
#[wasm_bindgen]
#[must_use]
pub fn key(index: usize) -> u8 {
    let mut key = KEY.take();
    let byte = key.get_mut(index).map(core::mem::take).unwrap_or_default();
    KEY.set(key);
    key.zeroize();
    byte
}

/// A vector that grows leaves a copy behind: 64 bytes at once are more than most secrets.
fn push(bytes: &'static std::thread::LocalKey<Cell<Vec<u8>>>, byte: u8) {
    let mut grown = bytes.take();
    if grown.len() == grown.capacity() {
        let mut larger = Vec::with_capacity(64.max(2 * grown.len()));
        larger.extend_from_slice(&grown);
        grown.zeroize();
        grown = larger;
    }
    grown.push(byte);
    bytes.set(grown);
}
