//! Our own arithmetic, for verification only: variable time, because nothing here is secret.

use alloc::boxed::Box;

use super::{KeyMaterial, VerifyingKey, rustcrypto};

pub(super) fn prepare(material: &KeyMaterial<'_>) -> Result<Box<dyn VerifyingKey>, &'static str> {
    rustcrypto::prepare(material)
}
