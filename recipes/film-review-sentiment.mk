# Praise or blame in a film review: IMDB, 25,000 reviews with labels and 50,000 without.
# About 45 minutes on 2 cores. TensorFlow Datasets reads it, from DOWNLOADS or the network.
#
# In the first round a model learns what n-grams say of all 72,500 texts that are not held out. In
# each later one it goes on with what n-grams and its last self say together, which is right more
# often than either; in the last it reads further into long reviews.
NAME := film-review-sentiment
DATASET = tfds:imdb_reviews --download-dir $(DOWNLOADS)
FLAGS := --model bilstm-small --pooling mean --dropout 0.3 --vocab-size 16000 --max-length 400 \
	--batch-size 64 --learning-rate 0.003 \
	--teacher ngrams --unlabelled tfds:imdb_reviews\#unsupervised
after = --init $(RUNS)/$(1) --teacher $(RUNS)/$(1)
STUDENT = $(call after,round-2) --max-length 600 --learning-rate 0.001 --epochs 2

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk

$(RUNS)/round-1/model.keras:
	$(TRAIN) --dataset $(DATASET) $(FLAGS) --epochs 4

$(RUNS)/round-2/model.keras: $(RUNS)/round-1/model.keras
	$(TRAIN) --dataset $(DATASET) $(FLAGS) $(call after,round-1) --epochs 3

$(STUDENT_RUN)/model.keras: $(RUNS)/round-2/model.keras
