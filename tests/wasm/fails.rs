//! What shows that the others run in WebAssembly, where nothing is printed: this must not go unnoticed.

#[test]
fn fails() {
    panic!("as it should");
}
