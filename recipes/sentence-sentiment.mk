# Praise or blame in a sentence: SST-2, 67,349 phrases of film reviews, 2 labels.
# About 30 minutes on 2 cores, after film-review-sentiment, whose words it starts from.
NAME := sentence-sentiment
DATASET = $(DATA)/sst2
FLAGS := --model bilstm-small --pooling mean --init film-review-sentiment --vocab-size 16000 --max-length 64 --learning-rate 0.002 --batch-size 64 --epochs 5
TEACHERS := 1 2 3
STUDENT := --teacher ngrams --epochs 6

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk
