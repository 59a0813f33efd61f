# `make` lists the targets. Windows has no make: README.md gives the lines to type there.

SHELL := /bin/sh
PY := .venv/bin/python

# The Python that builds .venv. tools/environment.py looks further when this one is too old.
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
	$(shell command -v $(name) 2>/dev/null)))

.DEFAULT_GOAL := help
.PHONY: help env lab wheelhouse check test notebooks slides handouts live site links public minutes new-lesson bench train transfer relations trust trapped watermark capsules dreams gallery weights clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

lab: env ## open JupyterLab on lesson 00 (HANDOUTS=1: without solutions; LAB="--ip=0.0.0.0": its own options)
	@$(PY) tools/environment.py lab $(strip $(if $(HANDOUTS),--handouts) $(LAB))

env: ## build .venv, again only when its inputs change (PYTHON=python3.12 names the Python)
	@$(if $(PYTHON),$(PYTHON) tools/environment.py,\
	echo "No Python here: install 3.11 to 3.14 from python.org, or name one: make PYTHON=/path/to/python lab" >&2; exit 1)

wheelhouse: ## collect the packages in wheelhouse/, for rooms without internet
	@$(if $(PYTHON),$(PYTHON),python3) tools/environment.py wheelhouse

test: env ## all checks: ruff, mypy, the tests, every lesson's cells
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	@# no progress bars where output is compared: only the console's tqdm, which QT_API asks for, knows TQDM_DISABLE
	@# a file stays with one worker: a lesson is a kernel; torch's threads would only wait for one another
	QT_API= TQDM_DISABLE=1 OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile \
		--no-loadscope-reorder --nbval-lax --nbval-current-env --nbval-cell-timeout=300 tests notebooks

check: env ## while at work: ruff, mypy and the library's tests, without lessons, browser and zoo
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	TQDM_DISABLE=1 $(PY) -m pytest -m "not slow and not zoo" --ignore=tests/tools/test_lessons.py \
		--ignore=tests/widgets/test_browser.py tests

notebooks: env ## run every lesson again and keep its outputs
	$(PY) -m tools.execute

slides: env ## build the lessons' slides (PDF=1: print them, too, where Chromium is)
	$(PY) -m tools.slides $(if $(PDF),--pdf)

handouts: env ## build the lessons without their solutions
	$(PY) -m tools.handouts

live: env ## build the page that runs the networks in any browser, in build/live
	$(PY) -m tools.live

site: env ## build the site in build/site: lessons, reference, live page, decks
	$(PY) -m pip install --quiet --constraint constraints.txt -e ".[site]"
	$(PY) -m tools.website

links: env ## ask every link out of the site whether it leads somewhere (needs a network)
	$(PY) -m pip install --quiet --constraint constraints.txt -e ".[site]"
	$(PY) -m tools.outside_links

public: env ## lay out in build/public what the workflow publishes: the pages, the course without solutions
	$(PY) -m tools.publish

minutes: env ## measure the lessons again and rewrite the table in docs/teaching.md
	$(PY) -m tools.minutes

new-lesson: env ## lay out an empty lesson: make new-lesson NAME=02_activations
	$(PY) -m tools.new_lesson $(NAME)

bench: env ## measure the speed against captum, torchcam, grad-cam and scikit-learn
	$(PY) -m pip install --quiet --constraint constraints.txt -e ".[bench]"
	$(PY) -m bench

train: env ## make the shipped networks again, from their seeds
	$(PY) -m camlib.training

transfer: env ## ask trained features new questions again, for lesson 11
	$(PY) -m tools.transfer

relations: env ## follow phrases of six kinds again, for lesson 16
	$(PY) -m tools.relations

trust: env ## grade all heatmap methods again, for lesson 12
	$(PY) -m tools.trust

trapped: env ## train and measure the controls of the network with the stamp, for lesson 12
	$(PY) -m tools.trapped

watermark: env ## put ImageNet-W's watermark on photographs, for lesson 12
	$(PY) -m pip install --quiet --constraint constraints.txt -e ".[watermark]"
	$(PY) -m tools.watermark

capsules: env ## train capsules on MNIST and on scenes again, right and wrong, for lesson 13
	$(PY) -m tools.capsules
	$(PY) -m tools.capsules_decoder
	$(PY) -m tools.capsules_scenes

dreams: env ## grade dreams and directions again, for lesson 15
	$(PY) -m tools.dreams

gallery: env ## dream the site's gallery again: units and classes of three networks
	$(PY) -m tools.gallery

weights: env ## list the networks and where their weights are
	$(PY) -m camlib weights list

clean: ## remove what the other targets built, except .venv
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache
	find . -name .venv -prune -o -name __pycache__ -type d -exec rm -rf {} +
