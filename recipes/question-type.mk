# What kind of answer a question wants: TREC, 5,452 questions, 6 labels.
# About 2 minutes on 2 cores.
NAME := question-type
DATASET = $(DATA)/trec
FLAGS := --model bilstm-small --max-length 32 --learning-rate 0.003 --epochs 10 --patience 4 \
	--teacher ngrams

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk
