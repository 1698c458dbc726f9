# Spam among text messages: the SMS Spam Collection, 4,481 messages, 2 labels.
# About 1 minute on 2 cores.
NAME := sms-spam
DATASET = $(DATA)/sms_spam
FLAGS := --model bilstm-small --max-length 64 --learning-rate 0.003 --epochs 8 --patience 4 \
	--teacher ngrams

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk
