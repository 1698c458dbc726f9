# Praise or blame in a film review: IMDB, 25,000 reviews with labels and 50,000 without.
# About 30 minutes on 2 cores. TensorFlow Datasets reads it, from DOWNLOADS or the network.
#
# The first model learns what n-grams say of all 75,000; the second, starting from it, what both say
# together, which is right more often than either.
NAME := film-review-sentiment
DATASET = tfds:imdb_reviews --download-dir $(DOWNLOADS)
FLAGS := --model bilstm-small --pooling mean --dropout 0.3 --vocab-size 16000 --max-length 400 \
	--batch-size 64 --learning-rate 0.003 \
	--teacher ngrams --unlabelled tfds:imdb_reviews\#unsupervised
TEACHERS := 0
TEACH := --epochs 4
STUDENT = --init $(RUNS)/teacher-0 --epochs 3

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk
