# Topics of news: 10,000 of AG News with labels and 20,001 without, title and lead, 4 labels.
# About an hour on one core.
#
# Beside train.tsv and test.tsv, DATA/ag_news holds two more parts of the original's training texts,
# whose labels are not read: a pretrained transformer gives them, which learns the others first.
NAME := news-topic
DATASET = $(DATA)/ag_news
FLAGS = --model bilstm-small --hidden-dim 96 --pooling mean --max-length 96 --vocab-size 16000 \
	--learning-rate 0.003 --epochs 6 --patience 4 \
	--vectors $(VECTORS) --teacher transformer:$(ENCODER) \
	--unlabelled $(DATA)/ag_news/train_descriptions.tsv \
	--unlabelled $(DATA)/ag_news/train_lowercased.tsv
NEEDS = $(VECTORS) $(ENCODER)

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk
