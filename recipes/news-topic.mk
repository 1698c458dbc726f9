# Topics of news: 10,000 of AG News, title and lead, 4 labels.
# About 25 minutes on 2 cores.
NAME := news-topic
DATASET = $(DATA)/ag_news
FLAGS := --model bilstm-small --pooling mean --max-length 96 --vocab-size 16000 --learning-rate 0.003 --epochs 5

STUDENT := --teacher ngrams --epochs 8 --patience 4

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk
