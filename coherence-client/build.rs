//! Compiles the protocol files of `proto/` without a protoc binary.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = ["proxy_service_v1.proto", "cache_service_messages_v1.proto", "messages.proto"];
    let files = protox::compile(files, ["proto"])?;
    tonic_prost_build::configure()
        // The client side writes its requests by hand (`src/request.rs`), so it needs no generated stub.
        .build_client(false)
        .server_mod_attribute(".", "#[cfg(test)]")
        .extern_path(".google.protobuf.Any", "crate::proto::Any")
        .bytes(".")
        .disable_comments(["."])
        // The messages of v0 are in the package that all others are in, so `coherence.rs` is theirs.
        .include_file("protocol.rs")
        .compile_fds(files)?;
    Ok(())
}
