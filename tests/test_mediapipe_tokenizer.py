"""`Tokenizer` against the tokenizer that runs on the device: MediaPipe's own, on raw strings."""

import itertools
import random
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.text import DELIMITER, PAD, START, UNKNOWN, Tokenizer, Vocabulary

pytest.importorskip("mediapipe", reason="the device's tokenizer is MediaPipe's")
from tests.device import Device, as_a_browser
from tests.raw_texts import TEXTS

ASCII_WORDS = r"[^\w\']+"  # of MediaPipe's own average word embedding model
DELIMITERS = [
    DELIMITER,
    ASCII_WORDS,
    r"\W+",
    r"\s",
    r"[ ,.]",
    r"(?i:[^a-zé]+)",
    r"\s+|^#|\bx|--",  # ^ and \b see the rest of the text alone
    "(,)( )",  # groups of its own
    r"\C?é",  # splits inside of a character
]


def _all_tokens() -> list[str]:
    """The tokens of `TEXTS` under any of the delimiters, the special ones excepted."""
    tokens = set()
    for delimiter in DELIMITERS:
        tokenizer = Tokenizer(Vocabulary({PAD: 0, UNKNOWN: 1}), 1, delimiter)
        tokens.update(itertools.chain.from_iterable(map(tokenizer.split, TEXTS)))
    encodable = (token for token in tokens if token == token.encode(errors="replace").decode())
    return sorted(token for token in encodable if not {" ", "\n"} & set(token))


def _vocabularies() -> dict[str, Vocabulary]:
    # Every third token stays unknown, and the special ids are not where they usually are.
    known = [token for i, token in enumerate(_all_tokens()) if i % 3 and len(token) < 100]
    foreign = {token: i for i, token in enumerate(known) if token not in (PAD, START, UNKNOWN)}
    foreign |= {PAD: len(known), UNKNOWN: len(known) + 1}
    return {
        "with START": Vocabulary.from_texts(TEXTS[: len(TEXTS) // 2], size=300),
        "without START": Vocabulary(foreign),
        "START last": Vocabulary({**foreign, START: len(known) + 2}),
    }


VOCABULARIES = _vocabularies()


def assert_same(tokenizer: Tokenizer, device: Device, string: str) -> None:
    expected, actual = device.encode(string), tokenizer.encode([string])[0]
    np.testing.assert_array_equal(actual, expected, err_msg=f"{string[:200]!r}")


@pytest.fixture(scope="module")
def pair():
    tokenizer = Tokenizer(VOCABULARIES["with START"], 24)
    with Device(tokenizer) as device:
        yield tokenizer, device


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_ids_are_the_devices(vocabulary, delimiter):
    tokenizer = Tokenizer(VOCABULARIES[vocabulary], 24, delimiter)
    with Device(tokenizer) as device:
        for string in TEXTS:
            assert_same(tokenizer, device, string)


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
@pytest.mark.parametrize("length", [1, 2, 3])
def test_the_shortest_models(vocabulary, length):
    tokenizer = Tokenizer(VOCABULARIES[vocabulary], length)
    with Device(tokenizer) as device:
        for string in TEXTS[:40]:
            assert_same(tokenizer, device, string)


def test_texts_put_together(pair):
    choices = random.Random(0)
    pieces = [string for string in TEXTS if len(string) < 100]
    for _ in range(500):
        assert_same(
            *pair, choices.choice(["", " ", "'", "\u0301"]).join(choices.choices(pieces, k=3))
        )


# Two builds of RE2 can know different versions of Unicode: MediaPipe 0.10.21 knows 15.0, 1.2.2
# knows 17.0, google-re2 15.1. They agree on what is a letter as far as Unicode was the same.
ASSIGNED = st.characters(exclude_categories=["Cs", "Cn"])


@settings(deadline=None, max_examples=300)
@given(string=st.text(ASSIGNED))
def test_any_unicode(pair, string):
    assert_same(*pair, string)


def test_every_character():
    tokenizer = Tokenizer(Vocabulary({PAD: 0, UNKNOWN: 1, "a": 2}), 4000)
    planes = (range(1, 0xD800), range(0xE000, 0x34000), range(0xE0000, 0xE0200))
    characters = [chr(c) for c in itertools.chain(*planes) if unicodedata.category(chr(c)) != "Cn"]
    with Device(tokenizer) as device:
        for start in range(0, len(characters), 2000):
            # Two known words if the character is a delimiter, one unknown word if it is not.
            words = " ".join(f"a{c}a" for c in characters[start : start + 2000])
            assert_same(tokenizer, device, words)


_FEW = "aA'_é\u0301İß日x#-"


@pytest.fixture(scope="module", params=DELIMITERS)
def few(request):
    words = ["".join(word) for n in (1, 2) for word in itertools.product(_FEW, repeat=n)]
    ids = {PAD: 0, START: 1, UNKNOWN: 2} | {word: 3 + i for i, word in enumerate(words)}
    tokenizer = Tokenizer(Vocabulary(ids), 16, request.param)
    with Device(tokenizer) as device:
        yield tokenizer, device


@settings(deadline=None, max_examples=200)
@given(string=st.text(_FEW + " 👍\u200d.\0\r\n<>,", max_size=60))
def test_few_characters_in_any_order(few, string):
    assert_same(*few, string)


@pytest.mark.parametrize("raw", ["a\ud83db", "\udc00", "a \ud800", "\ude00\ud83d good", "x\udfffé"])
def test_lone_surrogates(pair, raw):
    tokenizer, device = pair
    string = as_a_browser(raw)
    np.testing.assert_array_equal(tokenizer.encode([raw])[0], device.encode(string))
