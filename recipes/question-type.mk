# What kind of answer a question wants: TREC, 5,452 questions, 6 labels.
# About 20 minutes on one core.
#
# A pretrained transformer learns the questions first, and then answers variants of them, whose words
# are exchanged for near ones: that is where the small model learns words that no question has.
NAME := question-type
DATASET = $(DATA)/trec
FLAGS = --model bilstm-small --embed-dim 100 --hidden-dim 128 --max-length 32 \
	--vocab-size 11000 --learning-rate 0.003 --epochs 5 --patience 4 \
	--vectors $(VECTORS) --augment 6 --teacher transformer:$(ENCODER)
NEEDS = $(VECTORS) $(ENCODER)

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk
