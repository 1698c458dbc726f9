# What customers ask a bank: banking77, 10,003 questions, 77 labels.
# About 5 minutes on 2 cores.
NAME := banking-questions
DATASET = $(DATA)/banking77
FLAGS := --model bilstm-small --hidden-dim 96 --max-length 64 --learning-rate 0.004 --epochs 16 \
	--patience 4

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk
