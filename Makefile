# Two commands are all a newcomer needs: `make render` and `make test`. Both install what is missing.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: help setup render verify gallery test film lint bench gpu pictures lock clean
help:
	@echo "make render   media/overview.mp4, the clip of the preset 'seed'"
	@echo "make film     media/film.mp4, all scenes in one"
	@echo "make gallery  media/index.html, a page of all scenes in all looks (render.py serve shows it)"
	@echo "make test     all tests"
	@echo "make verify   the rungs of proof that can run on this machine"
	@echo "make lint     ruff and mypy"
	@echo "make gpu      the proof, the counters and the speed, on a machine with an NVIDIA GPU"
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

APT := $(shell [ "$$(id -u)" = 0 ] || echo sudo -n) env DEBIAN_FRONTEND=noninteractive apt-get -qq
HEADERS := build-essential pkg-config python3-dev python3-venv libcairo2-dev libpango1.0-dev
.PHONY: headers
headers:
	@{ $(APT) update && $(APT) install -y $(HEADERS) >/dev/null; } || { \
	  echo "Cairo's and Pango's headers are missing. Install them, then run make again:"; \
	  echo "  Debian, Ubuntu: sudo apt-get install $(HEADERS)"; \
	  echo "  Fedora:         sudo dnf install gcc gcc-c++ pkgconf python3-devel cairo-devel pango-devel"; \
	  echo "  macOS:          brew install pkgconf cairo pango"; \
	  exit 1; \
	}

# For `--kernel`: NVIDIA's nvcc, which `make render` does not need.
KERNEL := $(VENV)/.kernel
$(KERNEL): requirements-kernel.lock $(READY)
	$(BIN)/pip install --quiet --require-hashes -r requirements-kernel.lock
	@touch $@

# For the tests of the page: two browsers, and axe-core, which looks for barriers.
BROWSERS := chromium firefox-esr
AXE      := tests/browser/node_modules/.package-lock.json
.PHONY: setup-browser
setup-browser: $(AXE)
	@for name in $(BROWSERS); do command -v $$name >/dev/null || missing=1; done; \
	[ -z "$$missing" ] || { $(APT) update && $(APT) install -y $(BROWSERS) >/dev/null; } || { \
	  echo "No browser, so the tests of the page are skipped. On Debian:"; \
	  echo "  sudo apt-get install $(BROWSERS)"; \
	  exit 1; \
	}

$(AXE): tests/browser/package-lock.json
	@command -v npm >/dev/null || { $(APT) update && $(APT) install -y npm >/dev/null; } || { \
	  echo "No npm, so nothing looks for barriers on the page. Install Node.js"; exit 1; \
	}
	@cd tests/browser && npm ci --silent --no-audit --no-fund

render: $(READY)
	$(BIN)/python render.py clip overview

film: $(READY)
	$(BIN)/python render.py film

verify: $(READY)
	$(BIN)/python render.py verify

gallery: $(READY)
	$(BIN)/python render.py clip --all --pictures
	$(BIN)/python render.py verify --report media/verified.json
	$(BIN)/python render.py embed --page

# What needs a browser is skipped where none can be had. A process for each core, for more would take
# each other's caches; who has no tests left takes over others'.
WORKERS := $(shell getconf _NPROCESSORS_ONLN)
test: $(KERNEL)
	@$(MAKE) --no-print-directory setup-browser || true
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

lint: $(KERNEL)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m benchmarks.model --write
	$(BIN)/python -m benchmarks.ladder --write
	$(BIN)/python -m benchmarks.proof --write
	$(BIN)/python -m benchmarks.machine --write
	$(BIN)/python -m benchmarks.render --write
	$(BIN)/python -m benchmarks.formats --write

# On a machine with an NVIDIA GPU, with what is installed there: Python, NumPy, CuPy, click, rich and
# pytest; ncu and compute-sanitizer for what they measure. Writes to evidence/ and README.md; all of
# it is run, even where something failed before.
gpu:
	@failed=0; for what in "pytest -m gpu" "benchmarks.hardware" "benchmarks.sanitizer" "benchmarks.counters" \
	  "benchmarks.sgemm --sweep" "benchmarks.hardware_table --write"; do \
	  echo "$(PYTHON) -m $$what"; $(PYTHON) -m $$what || failed=1; done; exit $$failed

# The README's pictures.
pictures: $(READY) setup-browser
	$(BIN)/python render.py clip --all --aspect wide
	$(BIN)/python render.py clip overview --preset pipelined --theme both
	$(BIN)/python render.py clip global_to_shared --preset naive --theme both
	$(BIN)/python render.py clip overview --pictures
	$(BIN)/python -m publish.posters
	$(BIN)/python render.py clip overview --theme both --aspect both
	$(BIN)/python -m tests.shots

# Versions and hashes only, no registry: pip takes them from wherever it is set up to look.
lock: $(READY)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	  --extra clip --extra compiler --extra page --group dev pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
	  --extra kernel --constraint requirements.lock pyproject.toml -o requirements-kernel.lock

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis media/.manim media/.rendering-* tests/browser/node_modules
