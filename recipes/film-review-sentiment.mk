# Praise or blame in a film review: IMDB, 25,000 reviews with labels and 50,000 without.
# About an hour on one core. TensorFlow Datasets reads it, from DOWNLOADS or the network.
#
# In the first round a model whose embedding starts from word vectors learns what n-grams say of all
# 72,500 texts that are not held out. In each later one it goes on with what n-grams and its last self
# say together, which is right more often than either; in the last it reads further into long reviews.
#
# A GPU can do with a larger teacher: LARGE=FOLDER, a pretrained transformer in the transformers
# library's form, is fine-tuned first and answers beside the n-grams. That has not been measured.
NAME := film-review-sentiment
DATASET = tfds:imdb_reviews --download-dir $(DOWNLOADS)
FLAGS := --model bilstm-small --pooling mean --dropout 0.3 --vocab-size 16000 --max-length 400 \
	--batch-size 64 --learning-rate 0.003 \
	--teacher ngrams $(LARGE:%=--teacher transformer:%) --unlabelled tfds:imdb_reviews\#unsupervised
after = --init $(RUNS)/$(1) --teacher $(RUNS)/$(1)
NEEDS = $(VECTORS)
STUDENT = $(call after,round-2) --max-length 600 --learning-rate 0.001 --epochs 2

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk

$(RUNS)/round-1/model.keras: | $(NEEDS)
	$(TRAIN) --dataset $(DATASET) $(FLAGS) --vectors $(VECTORS) --epochs 4

$(RUNS)/round-2/model.keras: $(RUNS)/round-1/model.keras
	$(TRAIN) --dataset $(DATASET) $(FLAGS) $(call after,round-1) --epochs 3

$(STUDENT_RUN)/model.keras: $(RUNS)/round-2/model.keras
