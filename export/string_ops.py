"""The tokenizers of devices in TensorFlow operators, for SavedModels that take strings."""

import tensorflow as tf

from zoo.text import Tokenizer
from zoo.tokenizers import AnyTokenizer
from zoo.wordpiece import ALONE, CONTINUATION, LONGEST_TOKEN, SPACE, WordPieceTokenizer


def tokenize_op(tokenizer: AnyTokenizer) -> tf.Module:
    """A module that maps string [batch] to token ids, int32 [batch, L]."""
    if isinstance(tokenizer, WordPieceTokenizer):
        return _WordPieces(tokenizer)
    assert isinstance(tokenizer, Tokenizer)
    return _Words(tokenizer)


def _table(keys, values, default: int) -> tf.lookup.StaticHashTable:
    """Makes a lookup table. Called under init_scope, so that it belongs to a module."""
    initializer = tf.lookup.KeyValueTensorInitializer(
        tf.constant(list(keys)), tf.constant(list(values), tf.int32)
    )
    return tf.lookup.StaticHashTable(initializer, default_value=default)


def _split(texts):
    """Splits at NUL, and drops empty parts: ragged [batch, tokens]."""
    tokens = tf.strings.split(texts, "\0")
    return tf.ragged.boolean_mask(tokens, tokens != "")


# A text ends at a NUL, so afterwards NUL can serve as the separator.
AFTER_NUL = r"(?s)\x00.*"


class _Words(tf.Module):
    """`zoo.text.Tokenizer`, whose regular expressions are RE2 as well."""

    def __init__(self, tokenizer: Tokenizer):
        super().__init__()
        vocabulary = tokenizer.vocabulary
        self.delimiter, self.max_length = tokenizer.delimiter, tokenizer.max_length
        self.start, self.pad = vocabulary.start, vocabulary.pad
        self.table = _table(vocabulary, vocabulary.values(), vocabulary.unknown)

    def __call__(self, texts):
        texts = tf.strings.regex_replace(texts, AFTER_NUL, "")
        words = _split(tf.strings.regex_replace(texts, self.delimiter, "\0"))
        ids = self.table.lookup(words)
        if self.start is not None:
            first = tf.fill([tf.shape(texts)[0], 1], tf.constant(self.start, tf.int32))
            ids = tf.concat([first, ids], axis=1)
        return ids.to_tensor(self.pad, shape=[None, self.max_length])


class _WordPieces(tf.Module):
    """`zoo.wordpiece.WordPieceTokenizer`: each round takes the next piece of all tokens."""

    def __init__(self, tokenizer: WordPieceTokenizer):
        super().__init__()
        vocabulary = tokenizer.vocabulary
        self.max_length = tokenizer.max_length
        self.pad, self.unknown = vocabulary.pad, vocabulary.unknown
        self.first, self.last = vocabulary.cls, vocabulary.sep
        bare = [piece.removeprefix(CONTINUATION) for piece in vocabulary]
        self.longest = max(map(len, bare))
        self.table = _table(vocabulary, vocabulary.values(), -1)

    def __call__(self, texts):
        texts = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")
        texts = tf.strings.regex_replace(texts, AFTER_NUL, "")
        texts = tf.strings.lower(texts)  # ASCII letters only
        texts = tf.strings.regex_replace(texts, SPACE, "\0")
        tokens = _split(tf.strings.regex_replace(texts, ALONE, "\0\\0\0"))
        pieces = tokens.with_values(self._pieces(tokens.values)).merge_dims(1, 2)
        ids = pieces[:, : self.max_length - 2]
        marks = [
            tf.fill([tf.shape(texts)[0], 1], tf.constant(mark, tf.int32))
            for mark in (self.first, self.last)
        ]
        ids = tf.concat([marks[0], ids, marks[1]], axis=1)
        return ids.to_tensor(self.pad, shape=[None, self.max_length])

    def _pieces(self, tokens):
        """The ids of the pieces of each token: string [tokens] to ragged [tokens, pieces]."""
        lengths = tf.range(1, self.longest + 1)

        def is_left(rest, *_):
            return tf.reduce_any(rest != "")

        def next_piece(rest, prefix, found, known):
            rows = tf.repeat(rest[:, None], self.longest, axis=1)
            ends = tf.repeat(lengths[None], tf.shape(rest)[0], axis=0)
            begun = tf.strings.substr(rows, tf.zeros_like(ends), ends, unit="UTF8_CHAR")
            ids = self.table.lookup(tf.strings.join([prefix, begun]))
            # The longest is the last that is known; longer ones than the rest are the rest.
            size = tf.reduce_max(tf.where(ids >= 0, ends, 0), axis=1)
            size = tf.minimum(size, tf.strings.length(rest, unit="UTF8_CHAR"))
            taken = tf.gather(ids, tf.maximum(size - 1, 0), batch_dims=1)
            left = rest != ""
            known &= ~left | (size > 0)
            column = tf.where(left & (size > 0), taken, -1)
            all_of_it = tf.fill(tf.shape(size), LONGEST_TOKEN)
            rest = tf.strings.substr(rest, size, all_of_it, unit="UTF8_CHAR")
            rest = tf.where(known, rest, "")
            return rest, tf.constant(CONTINUATION), tf.concat([found, column[:, None]], 1), known

        count = tf.shape(tokens)[0]
        fits = tf.strings.length(tokens) <= LONGEST_TOKEN
        *_, found, known = tf.while_loop(
            is_left,
            next_piece,
            [
                tf.where(fits, tokens, ""),
                tf.constant(""),
                tf.zeros([count, 0], tf.int32),
                fits,
            ],
            shape_invariants=[
                tf.TensorShape([None]),
                tf.TensorShape([]),
                tf.TensorShape([None, None]),
                tf.TensorShape([None]),
            ],
        )
        unknown = tf.fill([count, 1], tf.constant(self.unknown, tf.int32))
        columns = tf.concat([tf.where(known[:, None], -1, unknown), found], 1)
        real = (columns >= 0) & (known[:, None] | (tf.range(tf.shape(columns)[1]) == 0))
        return tf.ragged.boolean_mask(columns, real)
