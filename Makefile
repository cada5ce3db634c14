# `make help` lists the commands. Everything runs in .venv, made from requirements.lock on first use.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
MINUTES ?= 10
TRIALS ?= 200
PACK ?=
# `make gpu` runs where nothing is installed: with .venv where it is there, else with the machine's own Python.
HERE = $(if $(wildcard $(VENV)/bin/python),$(VENV)/bin/python,$(PYTHON))
PYTHON ?= python3
CAMVID ?=
AUTHORS ?=
WEIGHTS ?=
IMAGES ?=
OUT ?=
OSV ?=
EXTRAS := datasets dev docs engines offline peers s3 video watch  # all but those with locks of their own
INSTALLED := $(VENV)/.installed
# What has a lock of its own: Snakemake imports each executor it finds in every call, and only `make audit` needs its tool.
APART := $(VENV)/apart

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/$(VENV)

.PHONY: help setup demo camvid front test slurm faults fuzz scale lint audit bench gpu gpu-dry reference lock clean

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 18

setup: $(INSTALLED)  ## Make .venv with everything in requirements.lock

$(INSTALLED): requirements.lock pyproject.toml workflow/setup.sh
	@PYTHON='$(PYTHON)' workflow/setup.sh $(VENV)
	@touch $@

demo: $(INSTALLED)  ## Five variants on generated images: train, evaluate, time, report
	@hyperseg run config/demo.yaml

camvid: $(INSTALLED)  ## HyperSeg-S on real CamVid: make camvid CAMVID=DIR
	@hyperseg run config/camvid.yaml $(if $(CAMVID),--source '$(CAMVID)')

front: $(INSTALLED)  ## HyperSeg, its ablations and rivals on real CamVid, one schedule and clock: make front CAMVID=DIR
	@hyperseg run config/front_camvid.yaml $(if $(CAMVID),--source '$(CAMVID)')

test: $(APART)/audit  ## The tests, a process for each core; FAST=1 leaves out the slow ones
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE pytest -rs --numprocesses auto --dist loadfile --no-loadscope-reorder $(if $(FAST),-m 'not slow')

$(APART)/%: workflow/%.lock $(INSTALLED)
	@uv pip install --quiet --no-deps --require-hashes --target $@ --requirement $<
	@touch $@

slurm: $(APART)/slurm  ## The demo through a real SLURM of this machine alone (root, Debian's slurm-wlm and munge)
	@PYTHONPATH='$(CURDIR)/$<' workflow/slurm.sh pytest tests/pipeline/test_pipeline_slurm.py -rs || [ $$? = 77 ]

faults: $(INSTALLED)  ## kill -9 in every step and both engines, full disks and others: make faults [TRIALS=200] [MINUTES=10]
	@PYTHONPATH=tests/support python tests/faults/kills.py --trials $(TRIALS) --minutes $(MINUTES)
	@PYTHONPATH=tests/support python tests/faults/conditions.py --minutes $(MINUTES)

fuzz: $(INSTALLED)  ## Coverage-guided fuzzing of what reads users' files: make fuzz [MINUTES=10], with atheris
	@PYTHONPATH=tests/support python tests/fuzz/fuzz.py --minutes $(MINUTES)

scale: $(INSTALLED)  ## Seconds of a plan of 10 000 steps, a run with nothing to do and adopt: make scale [OUT=FILE.csv]
	@PYTHONPATH=tests/support python tests/scale/measure.py $(if $(OUT),--out '$(OUT)')

lint: $(INSTALLED)  ## The linters and the type checker
	ruff check
	ruff format --check
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint

audit: $(APART)/audit  ## All locks beside a database of known vulnerabilities (needs the network): make audit [OSV=URL]
	@PYTHONPATH='$(CURDIR)/$<' workflow/audit.sh $(if $(OSV),--osv-url '$(OSV)')

bench: $(INSTALLED)  ## All beside the authors' checkout: make bench AUTHORS=DIR [WEIGHTS=FILE IMAGES=DIR] [OUT=DIR]
	@hyperseg bench --authors '$(AUTHORS)' $(if $(WEIGHTS),--weights '$(WEIGHTS)') $(if $(IMAGES),--images '$(IMAGES)') \
	  $(if $(OUT),--out '$(OUT)')

gpu:  ## Every GPU figure from minutes on one: make gpu [MINUTES=10] [AUTHORS=DIR] [CAMVID=DIR] [OUT=DIR] [PACK=1]
	@$(HERE) -m hyperseg.gpu --minutes $(MINUTES) $(if $(AUTHORS),--authors '$(AUTHORS)') \
	  $(if $(CAMVID),--camvid '$(CAMVID)') $(if $(OUT),--out '$(OUT)') $(if $(PACK),--pack)

gpu-dry:  ## The same plan on the CPU with tiny sizes, which shows that it runs
	@$(HERE) -m hyperseg.gpu --dry --minutes $(MINUTES) --out '$(or $(OUT),runs/gpu-dry)'

reference: $(INSTALLED)  ## Build reports/index.html and refresh the committed tables; CHECK=1 only compares
	@hyperseg report --reference $(if $(CHECK),--check)

LOCKED := --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet
lock: $(INSTALLED)  ## Resolve requirements.lock, and workflow/*.lock, again from pyproject.toml
	uv pip compile pyproject.toml --output-file requirements.lock $(EXTRAS:%=--extra %) --universal \
	  $(LOCKED) $(if $(UPGRADE),--upgrade)
	for extra in slurm kubernetes audit; do \
	  awk -F'[= ]' '/^[^ #]/ { print "--no-emit-package", $$1 }' requirements.lock | xargs \
	    uv pip compile pyproject.toml --output-file workflow/$$extra.lock --extra $$extra --universal \
	    --constraint requirements.lock $(LOCKED) $(if $(UPGRADE),--upgrade); \
	done

clean:  ## Remove .venv and all that `make demo` made; other data and campaigns stay
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	rm -rf data/streets results/runs/demo reports/demo logs/demo
