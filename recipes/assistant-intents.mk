# What is asked of an assistant, finely: CLINC150, 15,000 commands, 150 labels.
# About 9 minutes on 2 cores.
NAME := assistant-intents
DATASET = $(DATA)/clinc150
FLAGS := --model bilstm-small --hidden-dim 96 --max-length 32 --learning-rate 0.004 --epochs 14 \
	--patience 4

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk
