//! `wasm-bindgen` as a library, so that the one `Cargo.lock` pins it together with the crate it must match exactly.
//!
//! Usage: `tokenward-bindgen <module.wasm> <out-dir>`; writes `tokenward_bg.wasm`, `tokenward_bg.js` and their types.

use std::env;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [module, out_dir] = arguments.as_slice() else {
        eprintln!("usage: tokenward-bindgen <module.wasm> <out-dir>");
        return ExitCode::FAILURE;
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name("tokenward").typescript(true).remove_producers_section(true);
    match bindgen.generate(out_dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wasm-bindgen: {error:?}");
            ExitCode::FAILURE
        }
    }
}
