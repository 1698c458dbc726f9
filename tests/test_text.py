import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.text import DELIMITER, PAD, START, UNKNOWN, Tokenizer, Vocabulary

SPECIAL = {PAD: 0, START: 1, UNKNOWN: 2}


def vocabulary_of(*texts, size=1000, **arguments):
    return Vocabulary.from_texts(texts, size=size, **arguments)


# Vocabulary.from_texts


def test_ids_by_count_then_by_word():
    vocabulary = vocabulary_of("b a c", "c b", "d")
    assert [vocabulary[token] for token in (PAD, START, UNKNOWN, "b", "c", "a", "d")] == [*range(7)]
    assert vocabulary.size == 7
    assert (vocabulary.pad, vocabulary.start, vocabulary.unknown) == (0, 1, 2)


def test_the_order_of_the_texts_does_not_matter():
    texts = ["good Film", "FILM bad", "McCoy mcCoy", "ß SS", "zeta alpha"]
    files = {vocabulary_of(*order).text for order in itertools.permutations(texts)}
    assert len(files) == 1


def test_size_counts_ids_not_lines():
    vocabulary = vocabulary_of("a a a b b c", size=5)
    assert vocabulary.size == 5
    assert "b" in vocabulary and "c" not in vocabulary
    assert vocabulary_of("a b", size=5000).size == 5


def test_case_is_folded_in_the_file():
    vocabulary = vocabulary_of("Movie movie MOVIE")
    assert vocabulary.text.splitlines()[3:] == ["movie 3", "Movie 3", "MOVIE 3"]


def test_spellings_of_the_texts_are_found():
    vocabulary = vocabulary_of("McCoy mcCoy 'The")
    for token in ("mccoy", "Mccoy", "MCCOY", "McCoy", "mcCoy"):
        assert vocabulary[token] == vocabulary["mccoy"]
    assert vocabulary["'The"] == vocabulary["'the"]


def test_no_case_no_repetition():
    assert vocabulary_of("日本 42 _").text.splitlines()[3:] == ["42 3", "_ 4", "日本 5"]


@pytest.mark.parametrize(
    "text, forms",
    [
        ("straße", ["straße", "Straße", "STRASSE"]),  # the upper form is longer
        ("ǆep", ["ǆep", "ǅep", "ǄEP"]),  # title case is not upper case
        ("ΟΔΟΣ", ["οδος", "Οδος", "ΟΔΟΣ"]),  # a final sigma
        (
            "\u0130zmir",
            ["i\u0307zmir", "I\u0307zmir", "I\u0307ZMIR", "\u0130zmir"],
        ),  # the lower form is longer
        ("ﬁn", ["ﬁn", "Fin", "FIN"]),
    ],
)
def test_special_case_folding(text, forms):
    vocabulary = vocabulary_of(text)
    assert vocabulary.size == 4
    assert {form: vocabulary[form] for form in forms} == dict.fromkeys(forms, 3)


def test_a_form_belongs_to_the_word_that_it_lower_cases_to():
    vocabulary = vocabulary_of("straße straße straße", "strasse")
    assert vocabulary["straße"] == 3
    assert vocabulary["strasse"] == vocabulary["STRASSE"] == 4


def test_a_form_that_lower_cases_to_no_word_belongs_to_the_most_frequent():
    vocabulary = vocabulary_of("straße", "straſſe straſſe")
    assert vocabulary["straſſe"] == vocabulary["STRASSE"] == 3
    assert vocabulary["straße"] == 4


def test_an_apostrophe_is_one_however_it_is_typed():
    vocabulary = vocabulary_of("don't stop", "Don\u2019t", "rock'n\u2019roll")
    assert vocabulary.size == 3 + 3
    assert vocabulary["don't"] == 3  # counted together, it is the most frequent
    for form in ("don\u2019t", "Don't", "Don\u2019t", "DON'T", "DON\u2019T"):
        assert vocabulary[form] == 3
    forms = {token for token in vocabulary if "roll" in token}
    assert {"rock'n'roll", "rock\u2019n\u2019roll", "rock'n\u2019roll"} <= forms
    tokenizer = Tokenizer(vocabulary, 3)
    typed, plain = tokenizer.encode(["don\u2019t stop", "don't stop"])
    assert list(typed) == list(plain) and vocabulary.unknown not in typed
    given = Vocabulary({PAD: 0, UNKNOWN: 1, "it's": 2, "it": 3}).with_apostrophes()
    assert dict(given) == {PAD: 0, UNKNOWN: 1, "it's": 2, "it": 3, "it\u2019s": 2}


def test_forms_that_the_delimiter_cuts_are_left_out():
    vocabulary = vocabulary_of("éa E", delimiter="[^a-zé]+")
    assert vocabulary.text.splitlines()[3:] == ["éa 3"]
    vocabulary = vocabulary_of("ABC x", delimiter="[^A-Z]+")
    assert vocabulary.text.splitlines()[3:] == ["ABC 3"]


def test_words_that_no_line_can_hold_are_left_out():
    vocabulary = vocabulary_of("a b,c\nd,e\rf,g", delimiter=",")
    assert vocabulary.size == 5
    assert Vocabulary.parse(vocabulary.text) == vocabulary
    assert {"g", "e\rf"} < set(vocabulary)


def test_special_tokens_keep_their_ids():
    vocabulary = vocabulary_of("<START> <start> <PAD> word", delimiter=r"\s+")
    assert {token: vocabulary[token] for token in SPECIAL} == SPECIAL
    assert vocabulary["<start>"] > 2


@given(st.lists(st.text(), max_size=5), st.integers(4, 12))
def test_any_texts(texts, size):
    vocabulary = Vocabulary.from_texts(texts, size=size)
    assert Vocabulary.parse(vocabulary.text) == vocabulary
    assert sorted(set(vocabulary.values())) == [*range(vocabulary.size)]
    assert vocabulary.size <= size
    for token in itertools.chain.from_iterable(map(Tokenizer(vocabulary, 1).split, texts)):
        lower = token.lower()
        assert vocabulary.get(token) == vocabulary.get(lower) or lower not in vocabulary
        assert token in vocabulary or vocabulary.size == size


@pytest.mark.parametrize("texts", ["a text", b"a text", ["a", None], ["a", b"b"], [1.5]])
def test_texts_must_be_a_list_of_str(texts):
    with pytest.raises(TypeError, match="str"):
        Vocabulary.from_texts(texts, size=10)
    with pytest.raises(TypeError, match="str"):
        Tokenizer(Vocabulary(SPECIAL), 3).encode(texts)


def test_size_below_four():
    with pytest.raises(ValueError, match="4 or more"):
        vocabulary_of("a", size=3)


# The file


def test_words_of_another_vocabulary_come_after_its_own():
    own = Vocabulary.from_texts(["red red blue"], size=9)
    other = Vocabulary.from_texts(["green green blue grey"], size=9)
    both = own.extended(other, size=9)
    assert [both[word] for word in ("red", "blue", "green", "grey")] == [3, 4, 5, 6]
    assert both["Green"] == both["GREEN"] == 5
    assert own.extended(other, size=6).size == 6
    assert "grey" not in own.extended(other, size=6)
    assert own.extended(own, size=9) == own


def test_save_and_load(tmp_path):
    vocabulary = vocabulary_of("Eine schöne, große Straße: 日本 \u2028x\x85y")
    vocabulary.save(tmp_path / "vocab.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["vocab.txt"]
    assert (tmp_path / "vocab.txt").read_bytes() == vocabulary.text.encode()
    loaded = Vocabulary.load(tmp_path / "vocab.txt")
    assert loaded == vocabulary
    assert loaded.text == vocabulary.text


def test_lines_end_at_a_line_feed_alone():
    vocabulary = Vocabulary.parse("<PAD> 0\n<UNKNOWN> 1\na\u2028b 2\nc\x85\x0b\x0c\x1c\rd 3\n")
    assert vocabulary["a\u2028b"] == 2
    assert vocabulary["c\x85\x0b\x0c\x1c\rd"] == 3


def test_windows_line_ends_empty_lines_and_no_end():
    assert Vocabulary.parse(b"<PAD> 0\r\n\n<UNKNOWN> 1\r\na 02") == {PAD: 0, UNKNOWN: 1, "a": 2}


def test_ids_may_have_gaps_and_any_order():
    vocabulary = Vocabulary({"a": 9, UNKNOWN: 5, PAD: 7})
    assert vocabulary.size == 10
    assert vocabulary.start is None


@pytest.mark.parametrize(
    "lines, message",
    [
        (b"movie", "line 3: 'movie' is not 'token id'"),
        (b"movie 5 6", "line 3: .*one space"),
        (b"movie  5", "line 3: .*one space"),
        (b"movie\t5", "line 3: .*one space"),
        (b"movie five", "line 3: .*whole number"),
        (b"movie -1", "line 3: .*whole number"),
        ("movie ٥".encode(), "line 3: .*whole number"),
        (b" 5", "line 3: .*a word"),
        (b"\r\n", "line 3: ''"),
        (b"movie 5\nfilm 6\nmovie 7", "line 5: 'movie' has had a line before, with id 5"),
        (b"movie 2147483648", "line 3: .*int32"),
        (b"caf\xe9 5", "line 3: not UTF-8"),
    ],
)
def test_malformed_lines(tmp_path, lines, message):
    path = tmp_path / "vocab.txt"
    path.write_bytes(b"<PAD> 0\n<UNKNOWN> 1\n" + lines)
    with pytest.raises(ValueError, match=f"vocab.txt, {message}"):
        Vocabulary.load(path)


@pytest.mark.parametrize("missing", [PAD, UNKNOWN])
def test_missing_special_tokens(missing):
    lines = "".join(f"{token} {i}\n" for token, i in SPECIAL.items() if token != missing)
    with pytest.raises(ValueError, match=f"v.txt: vocabulary without {missing}"):
        Vocabulary.parse(lines, source="v.txt")


def test_a_byte_order_mark_is_named():
    with pytest.raises(ValueError, match="BOM"):
        Vocabulary.parse("\ufeff<PAD> 0\n<UNKNOWN> 1\n")


@pytest.mark.parametrize("entry", [{"": 3}, {"a b": 3}, {"a\n": 3}, {"a": -1}, {"a": 2**31}])
def test_entries_that_no_line_can_hold(entry):
    with pytest.raises(ValueError, match="token"):
        Vocabulary(SPECIAL | entry)


# Tokenizer


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("", []),
        (" ,.!\u00a0\n", []),
        ("Good film, BAD film", ["Good", "film", "BAD", "film"]),
        ("'good' don't _x_", ["'good'", "don't", "_x_"]),
        (
            "café cafe\u0301 映画は良かった。фильм",
            ["café", "cafe\u0301", "映画は良かった", "фильм"],
        ),
        ("end\0more", ["end"]),
        ("a👍b", ["a", "b"]),
    ],
)
def test_split(text, tokens):
    assert Tokenizer(Vocabulary(SPECIAL), 3).split(text) == tokens


def test_encode():
    tokenizer = Tokenizer(Vocabulary(SPECIAL | {"a": 3, "b": 4}), 4)
    ids = tokenizer.encode(["a b", "", "x a x a x", "b\0 a"])
    assert ids.dtype == np.int32
    assert ids.tolist() == [[1, 3, 4, 0], [1, 0, 0, 0], [1, 2, 3, 2], [1, 4, 0, 0]]
    assert tokenizer.encode([]).shape == (0, 4)
    assert tokenizer.encode(text for text in ("a", "b")).shape == (2, 4)


def test_encode_without_start_and_with_other_ids():
    tokenizer = Tokenizer(Vocabulary({"a": 0, PAD: 7, UNKNOWN: 5}), 3)
    assert tokenizer.encode(["a x", "a a a a"]).tolist() == [[0, 5, 7], [0, 0, 0]]


def test_length_one():
    assert Tokenizer(Vocabulary(SPECIAL), 1).encode(["x y"]).tolist() == [[1]]


def test_surrogates():
    split = Tokenizer(Vocabulary(SPECIAL), 3, "[ ]+").split
    assert split("a\ud83db") == ["a\ufffdb"]
    assert split("\udc00") == ["\ufffd"]
    assert split("\ud835\udc00 b") == ["\U0001d400", "b"]


@given(st.text(), st.sampled_from([DELIMITER, r"[^\w\']+", r"\s+", r"[ ,]", r"\W", r"[\D]+"]))
def test_both_ways_of_splitting_agree(text, delimiter):
    by_class = Tokenizer(Vocabulary(SPECIAL), 3, delimiter)
    by_search = Tokenizer(Vocabulary(SPECIAL), 3, f"(?:{delimiter})")
    assert by_class.split(text) == by_search.split(text)


def test_a_regex_sees_the_rest_of_the_text_alone():
    assert Tokenizer(Vocabulary(SPECIAL), 3, r"\s+|^#").split("##a b# #c") == ["a", "b#", "c"]


@pytest.mark.parametrize("delimiter", ["", r"\s*", "^", "$", r"\b", r"\B", "a|"])
def test_delimiters_that_match_nothing_at_all(delimiter):
    with pytest.raises(ValueError, match="loop forever"):
        Tokenizer(Vocabulary(SPECIAL), 3, delimiter)


def test_a_delimiter_that_turns_out_to_match_nothing():
    with pytest.raises(ValueError, match="loop forever"):
        Tokenizer(Vocabulary(SPECIAL), 3, r"a|\b").split("b")


@pytest.mark.parametrize("delimiter", ["[", "(?<=x)", r"(.)\1", "a)(b", r"\p{Nonsense}", "[^]+"])
def test_delimiters_that_are_no_regex(delimiter):
    with pytest.raises(ValueError, match="not an RE2 regex"):
        Tokenizer(Vocabulary(SPECIAL), 3, delimiter)


@pytest.mark.parametrize("max_length", [0, -1])
def test_max_length_below_one(max_length):
    with pytest.raises(ValueError, match="max_length"):
        Tokenizer(Vocabulary(SPECIAL), max_length)


@pytest.mark.parametrize("delimiter", [DELIMITER, r"\s+|,"])
def test_a_tokenizer_can_be_sent_to_another_process(delimiter):
    tokenizer = Tokenizer(vocabulary_of("good film"), 5, delimiter)
    tokenizer.split("warm up é")
    again = pickle.loads(pickle.dumps(tokenizer))
    assert (
        again.encode(["A good, bad film"]).tolist()
        == tokenizer.encode(["A good, bad film"]).tolist()
    )
