# Each target sets up its own environment in .venv; the stamp file makes a second run fast.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test lint project

demo: $(STAMP)
	$(BIN)/python -m spacy gliner demo --output demo/

test: $(STAMP)
	$(BIN)/pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy spacy_gliner

project: $(STAMP)
	$(BIN)/python -m spacy project run all

$(STAMP): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -c constraints.txt -e ".[dev,encoder,onnx,parity,report]"
	touch $@
