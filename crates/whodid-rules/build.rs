//! Sees to it that a rule file that is added to the built-in packages is taken in.

#[allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]
fn main() {
    println!("cargo::rerun-if-changed=packages");
}
