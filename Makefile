# tidegate: the two commands of the README, and what they are made of.
#
#   make demo    build, roll a release through 24 simulated clusters; STORY=pin plays another story
#   make test    everything: lints, unit and property tests, real control planes
#   make cases   the acceptance cases that are tables, one test for each
#   make bench   figures beside a peer or a floor of the same run
#   make soak    schedules and stories that nobody has seen, SEEDS of them
#   make bed     build the test control planes (cached outside the tree)
#   make book    build docs/ as a book into target/book
#   make reference   write docs/reference/ anew from the code

SHELL := /usr/bin/env bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.PHONY: demo test cases bench bed book reference lint fmt soak help

help:
	@sed -n '3,11s/^#   //p' Makefile

demo:
	@tests/demo.sh $(if $(STORY),--scenario $(STORY))

test:
	@tests/test.sh

cases:
	@cargo test --quiet --test cases

bench:
	@cargo bench --bench tidegate --bench fleet --bench index --bench tags --bench sources

bed:
	@cargo run --quiet --example bed -- build

book:
	@tests/book.sh

soak:
	@tests/soak.sh

reference:
	@TIDEGATE_WRITE_REFERENCE=1 cargo test --quiet --test reference

lint:
	@tests/lint.sh

fmt:
	@cargo fmt
