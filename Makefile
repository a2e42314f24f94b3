# make demo   a healthy Redis Cluster on a real Kubernetes, from nothing
# make test   everything that shows that it works
# make dist   what a release has, in target/dist
SHELL := /bin/bash
.DEFAULT_GOAL := build
PREFIX ?= /usr/local
KUBE := tests/cluster/kube
PLUGIN := target/release/kubectl-redis_cluster

.PHONY: build demo test test-quick dist chaos lint bench install clean-cluster cluster

build:
	cargo build --release --locked

# Needs root and Debian 12; installs what is missing.
cluster:
	@$(KUBE) up

demo: cluster
	@echo "building the plugin"
	@cargo build --release --locked --quiet
	@tests/demo $(PLUGIN)

# The tiers that need no Kubernetes. What meddles with servers takes the time that the
# others' timeouts need, and comes after them.
test-quick:
	tests/redis/fetch-server >/dev/null
	cargo test --locked --workspace --lib --bins --test architecture --test decide --test cli --test generated
	RUST_TEST_THREADS=5 cargo test --locked --test redis -- --skip faults:: --skip oracle:: --skip limits:: --skip probes::
	RUST_TEST_THREADS=3 cargo test --locked --test redis -- faults:: oracle:: limits:: probes::

# On TEST_KUBECONFIG's cluster where that is set, else on the throwaway one.
test:
	tests/all

# On Debian or Ubuntu with zip; the first time, it also builds cargo-cyclonedx.
dist:
	@dist/build

# Every fault on every layout and version, about 45 minutes (FAULTS="KillMaster Drain" for some
# of them), and what the pods' scripts decide on every server that can be had.
chaos: cluster
	cargo test --locked --test chaos -- first $(FAULTS)
	cargo test --locked --test chaos -- second $(FAULTS)
	$(if $(FAULTS),,tests/redis/every-server)

lint:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet
	@if cargo tree --locked -e normal -i openssl-sys 2>/dev/null | grep -q .; then echo "openssl crept in"; exit 1; fi
	@if cargo tree --locked -e normal -i aws-lc-rs 2>/dev/null | grep -q .; then echo "aws-lc-rs crept in"; exit 1; fi
	cd tests/cluster && shellcheck -x kube *.sh image/*.sh
	cd src/manifest && shellcheck -x *.sh
	shellcheck -x dist/* krew/fill
	shellcheck completions/kubectl_complete-redis_cluster tests/demo tests/e2e/original/*.sh .ci/run
	shellcheck -x tests/all tests/redis/fetch-server tests/redis/every-server

# With Python 3; it writes docs/bench.md and its picture.
bench: cluster
	cargo build --release --locked
	@tests/bench/run $(PLUGIN)

install: build
	install -D $(PLUGIN) $(DESTDIR)$(PREFIX)/bin/kubectl-redis_cluster

clean-cluster:
	@$(KUBE) down
