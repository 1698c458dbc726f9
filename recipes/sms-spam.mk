# Spam among text messages: the SMS Spam Collection, 4,481 messages, 2 labels.
# About 15 minutes on 2 cores.
#
# Learnt as question-type.mk says.
NAME := sms-spam
DATASET = $(DATA)/sms_spam
FLAGS = --model bilstm-small --max-length 64 --vocab-size 10000 \
	--learning-rate 0.003 --epochs 6 --patience 4 \
	--vectors $(VECTORS) --augment 4 --teacher transformer:$(ENCODER)
NEEDS = $(VECTORS) $(ENCODER)

include $(dir $(lastword $(MAKEFILE_LIST)))common.mk
