# Everything runs in .venv, which the first target makes; nothing else has to be set up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := runs/demo
# Written out, since train.py would choose others from the data.
SETTINGS := --batch-size 32 --patience 3 --keep best --word-dropout 0.1 --average 0 --augment 0 \
	--max-length 256
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: help demo test test-lowest test-slow recipes results first-hour results-export results-leaderboard results-speed results-length results-tokenizers results-brought attacks docs docs-links lint format clean

help:
	@echo "make demo       train a model on the embedded reviews, export it, ask the exported file"
	@echo "make test       the tests that run in minutes"
	@echo "make test-lowest  the tests with the lowest versions of all packages"
	@echo "make test-slow  the others: training to quality, the whole catalogue, every client"
	@echo "make recipes    make the trained models that come with the package, from raw data"
	@echo "make results    train, export and measure the runs of results/accuracy.csv"
	@echo "make first-hour  small data sets with no flags, beside TF-IDF: results/first_hour.csv"
	@echo "make results-export  export the whole catalogue and ask every client: results/export.csv"
	@echo "make results-leaderboard  the whole catalogue on three data sets: results/leaderboard.csv"
	@echo "make results-speed   time the exported files beside their peers: results/speed.csv"
	@echo "make results-length  answers for short and long texts: results/text_length.csv"
	@echo "make results-tokenizers  words and word pieces on five data sets: results/tokenizers.csv"
	@echo "make results-brought  export every kind of model from elsewhere and ask every client: results/brought.csv"
	@echo "make attacks    damage files and kill runs, and count what becomes of them: results/attacks.csv"
	@echo "make docs       build the documentation into build/docs; dead internal links fail"
	@echo "make docs-links  ask every external link of the documentation; needs the network"
	@echo "make lint       formatting, lint and types"
	@echo "make format     mend formatting and what lint can mend"
	@echo "make clean      remove .venv, caches and runs/demo"

demo: $(VENV)/.run
	rm -rf $(DEMO)
	$(BIN)/python train.py --model bilstm-small --dataset reviews --output $(DEMO) \
		$(SETTINGS) --epochs 6 --learning-rate 0.004 --dropout 0.3 --word-dropout 0
	$(BIN)/python -m export $(DEMO)
	$(BIN)/python -m zoo predict $(DEMO)/export/bilstm-small-fused-int8.tflite \
		"At first the plot seemed dull, but in the end I loved this film."
	@echo "The model and its card: $(DEMO)"
	@echo "The files for a device: $(DEMO)/export"

test: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(PYTEST_ARGS)

# The lowest versions that pyproject.toml admits, in a folder of their own.
test-lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet uv
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest --resolution lowest-direct --editable '.[test]'
	.venv-lowest/bin/python -m pytest --numprocesses 2 --dist loadfile $(PYTEST_ARGS)

# The browser's tests need npm and Chromium, and are skipped without.
test-slow: $(VENV)/.backends $(if $(shell command -v npm),$(VENV)/.web)
	$(BIN)/python -m pytest -m slow --numprocesses 2 --dist loadgroup $(PYTEST_ARGS)

# results/accuracy.csv. Film reviews come through TensorFlow Datasets, from DOWNLOADS or the network;
# the others are folders in DATA, sms_spam/ and trec/, each with train.tsv and test.tsv.
DATA ?= data
DOWNLOADS ?= $(HOME)/tensorflow_datasets/downloads
RESULTS := imdb/bilstm-small imdb/peephole-bilstm-small sms_spam/bilstm-small trec/bilstm-small
imdb_FLAGS := --dataset tfds:imdb_reviews --download-dir $(DOWNLOADS) --max-length 400 \
	--batch-size 64 --epochs 4 --learning-rate 0.003 --word-dropout 0.2
sms_spam_FLAGS := --dataset $(DATA)/sms_spam --max-length 64 --epochs 8 --learning-rate 0.003
trec_FLAGS := --dataset $(DATA)/trec --max-length 32 --epochs 12 --learning-rate 0.003

results: $(addprefix runs/,$(RESULTS))
	$(BIN)/python -m studies accuracy $^

# The models of zoo/pretrained and one more, and their rows of results/accuracy.csv. The second starts
# from the first.
RECIPES := film-review-sentiment sentence-sentiment question-type sms-spam news-topic \
	assistant-commands assistant-intents banking-questions

recipes: $(VENV)/.backends
	for name in $(RECIPES); do $(MAKE) -f recipes/$$name.mk PYTHON=$(BIN)/python DATA=$(DATA) DOWNLOADS=$(DOWNLOADS) || exit 1; done

# results/first_hour.csv. DATA holds folders as above: snips/, ag_news/, banking77/.
first-hour: $(VENV)/.run
	$(BIN)/python -m studies first-hour $(DATA)

# SST-2's whole sentences; its phrases are ten times as many texts.
SENTENCES := runs/sst2_sentences

results-leaderboard: $(VENV)/.dev
	mkdir -p $(SENTENCES)
	cp $(DATA)/sst2/valid.tsv $(DATA)/sst2/test.tsv $(SENTENCES)
	cp $(DATA)/sst2/train_sentences.tsv $(SENTENCES)/train.tsv
	$(BIN)/python -m studies leaderboard $(DATA)/trec $(DATA)/sms_spam $(SENTENCES)

# results/export.csv: every family, lowering and precision, in every client.
results-export: $(VENV)/.backends $(VENV)/.web
	$(BIN)/python -m studies export-catalogue $(DATA)/trec

results-speed: $(VENV)/.backends
	$(BIN)/python -m export.benchmark

# results/text_length.csv.
results-length: $(VENV)/.dev
	$(BIN)/python -m studies text-length

# results/tokenizers.csv, for the data sets of results-leaderboard and two more.
results-tokenizers: $(VENV)/.dev
	mkdir -p $(SENTENCES)
	cp $(DATA)/sst2/valid.tsv $(DATA)/sst2/test.tsv $(SENTENCES)
	cp $(DATA)/sst2/train_sentences.tsv $(SENTENCES)/train.tsv
	$(BIN)/python -m studies tokenizers $(DATA)/trec $(SENTENCES) $(DATA)/sms_spam $(DATA)/snips $(DATA)/banking77

# results/brought.csv: kinds of models from elsewhere, in every lowering, precision and client.
results-brought: $(VENV)/.backends
	$(BIN)/python -m studies brought

# Some minutes for the files, an hour for the kills.
attacks: $(VENV)/.run
	$(BIN)/python -m studies attacks

$(addprefix runs/,$(RESULTS)): runs/%: | $(VENV)/.run
	$(BIN)/python train.py --model $(notdir $*) $(SETTINGS) $($(*D:/=)_FLAGS) --output $@
	$(BIN)/python -m export $@

# Another Python with the same packages may build them: make docs DOCS=python
DOCS ?= $(BIN)/python
SPHINX := $(DOCS) -m sphinx --fail-on-warning --keep-going --nitpicky --quiet

docs: $(if $(filter $(BIN)/%,$(DOCS)),$(VENV)/.docs)
	$(SPHINX) --builder html docs build/docs
	@echo "Open build/docs/index.html"

docs-links: $(if $(filter $(BIN)/%,$(DOCS)),$(VENV)/.docs)
	$(SPHINX) --builder linkcheck docs build/docs-links

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.web: studies/web/package.json | $(BIN)/python
	npm install --prefix studies/web --no-package-lock --no-audit --no-fund
	@touch $@

clean:
	rm -rf $(VENV) .venv-lowest $(DEMO) .pytest_cache .ruff_cache .mypy_cache .hypothesis *.egg-info
	rm -rf build/docs build/docs-links studies/web/node_modules

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.run

$(VENV)/.docs: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@

# The CPU build of PyTorch is a tenth of the size of the usual one, and enough here.
TORCH ?= torch==2.13.0
$(VENV)/.backends: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet '$(TORCH)' '.[jax,peers,transformer]'
	$(BIN)/python -m pip install --quiet --pre tflite-micro pyyaml
	@touch $@
