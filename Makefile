# SPDX-License-Identifier: GPL-3.0-or-later
# `make demo` shows the main job on the examples, `make test` runs every test. Both install what is missing first.

# cargo and the programs of the system where an ordinary user's PATH does not have them.
export PATH := $(PATH):$(HOME)/.cargo/bin:/usr/local/cargo/bin:/usr/local/sbin:/usr/sbin:/sbin

RINGWALL := cargo run --quiet --
DEMO_VERIFY_PACKETS := 2000

# Seconds for each fuzz target.
FUZZ_SECONDS := 600

.PHONY: help demo test test-full bench fuzz lint setup

help:
	@echo "make demo    check, compile, run and verify the examples"
	@echo "make test    run every test"
	@echo "make test-full  the tests that draw at random, with their full counts (half an hour)"
	@echo "make bench   figures beside a floor of the same run"
	@echo "make fuzz    every fuzz target for FUZZ_SECONDS ($(FUZZ_SECONDS)); needs a nightly compiler and cargo-fuzz"
	@echo "make lint    formatting and clippy"
	@echo "make setup   install what the others need"

demo: setup
	cargo build --workspace
	@$(MAKE) --no-print-directory demo-seed demo-laptop

# One example: check, compile both ways, run its traffic, test its expectations, verify it against the kernel.
.PHONY: demo-%
demo-%:
	@echo; echo "==== examples/$* ===="; cat examples/$*/$*.policy; echo
	$(RINGWALL) check examples/$*/$*.policy
	@echo
	$(RINGWALL) compile examples/$*/$*.policy --target nft
	@echo
	$(RINGWALL) compile examples/$*/$*.policy --target iptables --ct-match state
	@echo
	$(RINGWALL) run examples/$*/$*.policy examples/$*/$*.traffic --conntrack
	@echo
	$(RINGWALL) test examples/$*/$*.policy
	@echo
	$(RINGWALL) verify examples/$*/$*.policy --packets $(DEMO_VERIFY_PACKETS) examples/$*/$*.traffic

# Snapshots are compared, never written; every failing test is shown.
test: setup
	INSTA_UPDATE=no cargo test --workspace --no-fail-fast

# Draws as many rulesets, pairs of rulesets and files as there are, and prints what they covered.
test-full: setup
	RINGWALL_FULL=1 INSTA_UPDATE=no cargo test --release --workspace --no-fail-fast -- --nocapture

bench: setup
	cargo bench -p ringwall-runtime --bench machine
	cargo bench -p ringwall-compiler --bench write
	cargo bench -p ringwall-kernel --bench install

fuzz:
	cd fuzz && cargo run --quiet --bin seeds
	cd fuzz && for target in iptables_save nft_json netlink ir_json capture packet classify; do \
		cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -timeout=10 || exit 1; \
	done

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --no-default-features -- -D warnings

setup:
	@bash .ci/setup
