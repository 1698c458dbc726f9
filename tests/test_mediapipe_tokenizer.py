"""`Tokenizer` against the tokenizer that runs on the device: MediaPipe's own, on raw strings."""

import itertools
import random
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.tflite.metadata import add_metadata
from tests.echo_model import echo_model
from zoo.text import DELIMITER, PAD, START, UNKNOWN, Tokenizer, Vocabulary

pytest.importorskip("mediapipe", reason="the device's tokenizer is MediaPipe's")
from mediapipe.tasks.python import BaseOptions, text

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

TEXTS = [
    "",
    " ",
    " \t\r\n ",
    "a",
    "movie",
    "The movie was GOOD, the Movie was good; THE MOVIE WAS GOOD!",
    "McDonald's iPhone and O'Brien's eBay",
    # accents, composed and combining
    "café cafe\u0301 CAFÉ CAFE\u0301 naïve nai\u0308ve Ångström A\u030angstro\u0308m",
    "\u0301 \u0301a a\u0301\u0302\u0303\u0304 e\u20dd",
    # special case folding
    "ß ẞ straße STRASSE Strasse strasse STRAẞE",
    "ﬁn ﬁ FI fi Fi ﬀ ﬃ",
    "İstanbul istanbul i̇stanbul ISTANBUL ıstanbul I İ i ı",
    "ΟΔΟΣ οδος οδοσ Οδος ΣΑΣ σας σασ Σ σ ς",
    "ǆ ǅ Ǆ ǆungla ǅungla ǅUNGLA Ǆungla ǉ ǈ Ǉ",
    "ŉ ʼN ΐ ẖ ᾳ ᾼ ΑΙ K k Å å ſ s S",
    # scripts
    "日本語のテキストです。とても良い映画！", "映画は 良かった　です", "中文没有空格，但有标点。",
    "한국어 영화는 정말 좋았다", "фильм был Хорош, ФИЛЬМ", "ภาพยนตร์เรื่องนี้ดีมาก",
    "यह फ़िल्म बहुत अच्छी थी",
    "הסרט היה טוב מאוד", "كان الفيلم جيدًا جدًا", "\u202bעברית\u202c and \u200fRTL\u200e marks",
    "ქართული ᲥᲐᲠᲗᲣᲚᲘ", "Ꭰ ꭰ ᏸ", "𝐀𝐁 𝒜 𐐀 𐐨 𠀀𠀁", "ᏣᎳᎩ ⴰⵎⴰⵣⵉⵖ", "Ⅷ ⅷ ⓐ Ⓐ ½ x² №",
    # digits
    "0 1 42 3.14 1,000", "٠١٢٣ ۴۵۶ ०१२ ๑๒ １２３ ²³ ①② 〇一二", "10/10 7½",
    # emoji
    "good 👍 great👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 ☺️ 1️⃣ #️⃣", "👍", "a👍b", "❤️", "a\u200db a\u200cb a\ufe0fb",
    # apostrophes and underscores
    "'good' 'good good' don't Don't DON'T ''' ' '' rock'n'roll", "‘good’ don’t ʼgood ´x´ `y`",
    "_ __ _a a_ a_b __init__ _'_",
    # line ends, blanks and controls
    "a\r\nb\r\n\r\nc", "a\nb", "a\rb", "a\u2028b\u2029c\x85d", "a\u00a0b\u202fc\u3000d\u2007e",
    "a\u200bb\u2060c\ufeffd\u00ade", "a\x01b\x07c\x1bd\x7fe\x80f\x9fg\x0bh\x0ci",
    # NUL ends the text
    "a\0b", "\0", "\0a", "a b\0", "a b \0 c", "é\0é", "a\\0b",
    # looks invalid
    "\ufffd a\ufffdb \ufffe \uffff \U0010ffff \ue000 \u0378 a\U000e0001b", "ï¿½ Ã© â€™",
    "<PAD> <START> <UNKNOWN> PAD START UNKNOWN <pad> <start>", "<br /><br />", "a<b>c",
    "$0 %s {} \\ \\w",
    "#a ##a b #c x yx xx axb a--b ---", "a, b,c , d", "é aé éa éé aéb 日é",
    # long
    "only " * 40, "unknownword " * 40, "!?.,;:- " * 40, "a" * 100_000,
    "wörd " * 20_000, "日本" * 20_000,
    "a'b_c " * 17_000, ".. " * 34_000, "x" * 65_536 + " y", " " * 100_000 + "movie",
]  # fmt: skip


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


class Device:
    """MediaPipe's TextClassifier on a model whose scores are the ids.

    To be closed: one that the garbage collector closes waits for ever for a thread that the
    collector has ended, whatever the program was doing.
    """

    def __init__(self, tokenizer: Tokenizer):
        model = add_metadata(
            echo_model(tokenizer.max_length),
            name="echo",
            description="its scores are its ids",
            tokenizer=tokenizer,
            labels=[f"slot {i}" for i in range(tokenizer.max_length)],
        )
        options = text.TextClassifierOptions(base_options=BaseOptions(model_asset_buffer=model))
        self._classifier = text.TextClassifier.create_from_options(options)
        self._length = tokenizer.max_length

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._classifier.close()

    def encode(self, string: str) -> np.ndarray:
        categories = self._classifier.classify(string).classifications[0].categories
        ids = np.full(self._length, -1, np.int32)
        for category in categories:
            ids[category.index] = category.score
        return ids


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


class _Surrogates(str):
    """A str that becomes the bytes that a browser makes of surrogates."""

    def encode(self, *_):
        return self.raw.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("raw", ["a\ud83db", "\udc00", "a \ud800", "\ude00\ud83d good", "x\udfffé"])
def test_lone_surrogates(pair, raw):
    tokenizer, device = pair
    string = _Surrogates(raw.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    string.raw = raw
    np.testing.assert_array_equal(tokenizer.encode([raw])[0], device.encode(string))
