# Two commands are all a newcomer needs: `make render` and `make test`. Both install what is missing.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help setup render verify test film lint bench pictures lock clean
help:
	@echo "make render   media/overview.mp4, the clip of the preset 'seed'"
	@echo "make film     media/film.mp4, all scenes in one"
	@echo "make test     all tests"
	@echo "make verify   the rungs of proof that can run on this machine"
	@echo "make lint     ruff and mypy"
	@echo "make bench    measurements, and the README's tables made from them"
	@echo "make clean    remove what was built; the clips in media/ stay"

setup: $(READY)

# pycairo and manimpango come as source only, so they need Cairo's and Pango's headers.
$(READY): requirements.lock pyproject.toml
	@pkg-config --exists cairo pangocairo 2>/dev/null || $(MAKE) --no-print-directory headers
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

APT_PACKAGES := build-essential pkg-config python3-dev python3-venv libcairo2-dev libpango1.0-dev
.PHONY: headers
headers:
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(APT_PACKAGES) >/dev/null; \
	elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then \
	  sudo apt-get update -qq && sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(APT_PACKAGES) >/dev/null; \
	else \
	  echo "Cairo's and Pango's headers are missing. Install them, then run make again:"; \
	  echo "  Debian, Ubuntu: sudo apt-get install $(APT_PACKAGES)"; \
	  echo "  Fedora:         sudo dnf install gcc gcc-c++ pkgconf python3-devel cairo-devel pango-devel"; \
	  echo "  macOS:          brew install pkgconf cairo pango"; \
	  exit 1; \
	fi

render: $(READY)
	$(BIN)/python render.py clip overview

film: $(READY)
	$(BIN)/python render.py film

verify: $(READY)
	$(BIN)/python render.py verify

test: $(READY)
	$(BIN)/python -m pytest -n auto

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m benchmarks.model
	$(BIN)/python -m benchmarks.proof --write
	$(BIN)/python -m benchmarks.render --write

# The README's pictures.
pictures: $(READY)
	$(BIN)/python render.py clip --all --aspect wide
	$(BIN)/python -m publish.pictures

# Versions and hashes only, no registry: pip takes them from wherever it is set up to look.
lock: $(READY)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	  --extra clip --extra compiler --extra page --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis media/.manim media/.rendering-*
