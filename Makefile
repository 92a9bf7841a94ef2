.DEFAULT_GOAL := help
.PHONY: help setup demo test grids check fuzz soak bench doc peers

SHELL := bash
.SHELLFLAGS := -euo pipefail -c

help: ## print this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## install what the build and the tests need
	@scripts/setup

demo: setup ## a sink at work on an embedded map; PEERS=real: between a real Kafka and a real Coherence
ifeq ($(PEERS),real)
	@cargo build --release -p coherence-kafka-sink
	@cargo run --release -p integration-tests --bin demo-real
else
	@cargo run --release -p coherence-kafka-sink -- demo config/demo/worker.properties config/demo/connector.properties
endif

test: setup ## all tests; COHERENCE_KAFKA_PEERS=off: without the real Kafka and Coherence
	@scripts/test

grids: setup ## the contract of maps on every old release of Coherence CE, or on those of GRIDS="21.06 …"
	@for version in $(or $(GRIDS),21.06 22.06.2 23.09 24.03); do \
	echo "Coherence CE $$version"; \
	COHERENCE_KAFKA_OLD_GRID=$$version cargo test -p integration-tests --test it old_grid || exit; done

check: setup ## format, lints, documentation, the crates' rooms, licences
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets -- -D warnings
	@cargo check -p coherence-kafka-common --no-default-features
	@RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
	@cargo test --workspace --test it rooms::
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check; \
	else echo "cargo deny is not installed: licences and advisories were not checked"; fi

fuzz: setup ## give every decoder hostile bytes, SECONDS=10 each; needs a nightly Rust
	@scripts/fuzz $(or $(SECONDS),10)

soak: setup ## a sink under load and random faults, MINUTES=20, and a SEED that an earlier run has printed
	@cargo build --release -p coherence-kafka-sink
	@cargo run --release -p benchmarks --bin soak -- --minutes $(or $(MINUTES),20) $(if $(SEED),--seed $(SEED))

bench: setup ## measure the codecs, the client, the sink (SERIES="sink latency": only these of it), the entry store, the source
	@cargo bench --workspace
	@cargo build --release -p coherence-client --example bare-loop
	@cargo run --release -p benchmarks --bin bench-client
	@cargo run --release -p benchmarks --bin bench -- $(SERIES)
	@cargo run --release -p benchmarks --bin bench-store

doc: setup ## the documentation of all crates, in target/doc
	@cargo doc --workspace --no-deps

peers: setup ## start a real Kafka and a real Coherence, until Ctrl-C
	@cargo run -q -p integration-tests --bin peers
