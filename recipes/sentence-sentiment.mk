# Praise or blame in a sentence: SST-2, 67,349 phrases of film reviews, 2 labels.
# About 8 minutes on one core, after film-review-sentiment.mk, from whose model it starts.
NAME := sentence-sentiment
DATASET = $(DATA)/sst2
FILMS ?= runs/film-review-sentiment
FLAGS = --model bilstm-small --pooling mean --dropout 0.3 --vocab-size 16000 --max-length 64 \
	--batch-size 64 --learning-rate 0.002 --epochs 3 --init $(FILMS)/round-2

ifeq ($(wildcard $(FILMS)/round-2/model.keras),)
$(error It starts from the film reviews' model: make -f recipes/film-review-sentiment.mk first, or \
	give FILMS=FOLDER, where that has made its runs)
endif

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk
