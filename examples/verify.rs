//! Verifies one token from the command line.
//!
//! ```text
//! cargo run --example verify -- JWKS_FILE ISSUER AUDIENCE < token.txt
//! ```
//!
//! `-` as issuer or audience accepts any. Prints the claims, or says what does not hold and exits with 1.

use std::io::{Read, stdin};
use std::process::ExitCode;
use std::{env, error, fs};

use tokenward::{Accept, JwkSet, UnixTime, Verifier};

fn main() -> ExitCode {
    match verify() {
        Ok(claims) => {
            println!("{claims}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn verify() -> Result<String, Box<dyn error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [jwks, issuer, audience] = arguments.as_slice() else {
        return Err("usage: verify JWKS_FILE ISSUER AUDIENCE < token.txt".into());
    };
    let jwks = fs::read_to_string(jwks).map_err(|error| format!("cannot read {jwks}: {error}"))?;
    let verifier = Verifier::builder(JwkSet::from_json(&jwks)?, accept(issuer), accept(audience)).build()?;

    let mut token = String::new();
    stdin().take(1 << 20).read_to_string(&mut token)?;
    Ok(verifier.verify(token.trim_end(), UnixTime::now())?.payload().to_owned())
}

fn accept(value: &str) -> Accept {
    if value == "-" { Accept::Any } else { value.into() }
}
