# tidegate: the two commands of the README, and what they are made of.
#
#   make demo    build, start three real clusters, roll a release through them
#   make test    everything: lints, unit and property tests, real control planes
#   make bench   figures beside a peer or a floor of the same run
#   make bed     build the test control planes (cached outside the tree)

SHELL := /usr/bin/env bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: demo test bench bed lint fmt soak help

help:
	@sed -n '3,7s/^#   //p' Makefile

demo:
	@tests/demo.sh

test:
	@tests/test.sh

bench:
	@cargo bench --bench tidegate

bed:
	@cargo run --quiet --example bed -- build

lint:
	@tests/lint.sh

fmt:
	@cargo fmt
