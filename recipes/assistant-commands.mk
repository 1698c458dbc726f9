# What is asked of an assistant: SNIPS, 13,084 commands, 7 labels.
# About 2 minutes on 2 cores.
NAME := assistant-commands
DATASET = $(DATA)/snips
FLAGS := --model bilstm-small --max-length 32 --learning-rate 0.003 --epochs 6 --patience 4

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk
