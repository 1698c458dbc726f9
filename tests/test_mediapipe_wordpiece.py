"""`WordPieceTokenizer` against the tokenizer that runs on the device: MediaPipe's own."""

import itertools
import random
import sys
import unicodedata
from importlib import metadata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.raw_texts import TEXTS, generated
from zoo.wordpiece import CONTINUATION, SPECIAL, Pieces, WordPieceTokenizer, words

pytest.importorskip("mediapipe", reason="the device's tokenizer is MediaPipe's")
from tests.device import Device

LENGTH = 64


def some_pieces(texts, seed=0):
    """A vocabulary that reads some tokens whole, some by pieces and some not at all."""
    choices = random.Random(seed)
    tokens = sorted({token for text in texts for token in words(text) if len(token) < 60})
    found = dict.fromkeys(SPECIAL)
    for token in tokens:
        if choices.random() < 0.4:
            found[token] = None
        cut = choices.randrange(len(token) + 1)
        if choices.random() < 0.5 and token[:cut]:
            found[token[:cut]] = None
        if choices.random() < 0.5 and token[cut:]:
            found[CONTINUATION + token[cut:]] = None
    characters = sorted({character for token in tokens for character in token})
    for character in choices.sample(characters, len(characters) // 2):
        found[character] = None
        found[CONTINUATION + character] = None
    return Pieces(found)


def assert_same(tokenizer, device, string):
    expected, actual = device.encode(string), tokenizer.encode([string])[0]
    np.testing.assert_array_equal(actual, expected, err_msg=f"{string[:200]!r}")


@pytest.fixture(scope="module")
def pair():
    tokenizer = WordPieceTokenizer(some_pieces(TEXTS + generated(300, seed=1)), LENGTH)
    with Device(tokenizer) as device:
        yield tokenizer, device


def test_ids_are_the_devices(pair):
    tokenizer, device = pair
    for string in TEXTS:
        assert_same(tokenizer, device, string)


def test_ten_thousand_generated_texts(pair):
    tokenizer, device = pair
    for string in generated(10_000, seed=0):
        assert_same(tokenizer, device, string)


@settings(deadline=None, max_examples=300)
@given(string=st.text(st.characters(exclude_categories=["Cs", "Cn"])))
def test_any_unicode(pair, string):
    tokenizer, device = pair
    assert_same(tokenizer, device, string)


def test_every_character():
    """Of all of Unicode. Versions before 1.2 do not know the youngest characters."""
    tokenizer = WordPieceTokenizer(Pieces([*SPECIAL, "a"]), 4000)
    newest = tuple(map(int, metadata.version("mediapipe").split(".")[:2])) >= (1, 2)
    every = [
        chr(point)
        for point in (*range(1, 0xD800), *range(0xE000, sys.maxunicode + 1))
        if newest or unicodedata.category(chr(point)) != "Cn"
    ]
    with Device(tokenizer) as device:
        for start in range(0, len(every), 990):
            # Two known tokens around white space, with an unknown one between them around a
            # character that stands alone, else one unknown token.
            part = every[start : start + 990]
            assert_same(tokenizer, device, " ".join(f"a{character}a" for character in part))


_FEW = "aAé\u0301İ日#-"


def test_few_characters_in_any_order():
    pieces = ["".join(word) for n in (1, 2) for word in itertools.product("aé\u0301i", repeat=n)]
    tokenizer = WordPieceTokenizer(
        Pieces([*SPECIAL, "#", "日", *pieces, *(CONTINUATION + piece for piece in pieces[:7])]), 16
    )
    choices = random.Random(0)
    with Device(tokenizer) as device:
        for _ in range(2000):
            length = choices.randrange(30)
            string = "".join(choices.choice(_FEW + " 👍\u200d.\r\n<>,\0") for _ in range(length))
            assert_same(tokenizer, device, string)


@pytest.mark.parametrize("length", [2, 3, 5])
def test_long_texts_keep_the_last_mark(length):
    tokenizer = WordPieceTokenizer(some_pieces(TEXTS), length)
    with Device(tokenizer) as device:
        for string in TEXTS:
            assert_same(tokenizer, device, string)


@pytest.mark.parametrize("string", ["x" * 200_000, "wörd " * 20_000, "日本" * 20_000, "-" * 50_000])
def test_very_long_texts(pair, string):
    tokenizer, device = pair
    assert_same(tokenizer, device, string)


def test_a_piece_is_a_line_however_it_ends():
    text = "[PAD]\r\n[CLS]\r\n[SEP]\r\n[UNK]\r\na\r\n##b"
    tokenizer = WordPieceTokenizer(Pieces.parse(text), 8)
    with Device(tokenizer) as device:
        assert_same(tokenizer, device, "ab a b")


@pytest.mark.parametrize("raw", ["a\ud83db", "\udc00", "a \ud800", "\ude00\ud83d good", "x\udfffé"])
def test_lone_surrogates(pair, raw):
    tokenizer, device = pair
    mended = raw.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    expected = device.encode(mended)  # as a browser does
    np.testing.assert_array_equal(tokenizer.encode([raw])[0], expected)
