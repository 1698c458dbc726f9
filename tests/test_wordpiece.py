"""Word pieces: vocabulary, tokenizer, and what is learnt from texts."""

import subprocess
import sys

import numpy as np
import pytest

from zoo import pieces, tokenizers
from zoo.text import Token
from zoo.wordpiece import SPECIAL, Pieces, WordPieceTokenizer, words

VOCABULARY = Pieces([*SPECIAL, "play", "##ing", "##s", "un", "##able", "!", "日", "é", "p", "##l"])


def test_the_longest_piece_comes_first():
    tokenizer = WordPieceTokenizer(VOCABULARY, 12)
    assert tokenizer.split("Playing PLAYS!") == ["play", "##ing", "play", "##s", "!"]
    assert tokenizer.split("pl unplayable") == ["p", "##l", "[UNK]"]  # no ##play
    assert tokenizer.split("é É") == ["é", "[UNK]"]  # ASCII letters alone are lowered
    assert tokenizer.split("日日") == ["日", "日"]


def test_words_are_those_of_bert_basic_tokens():
    assert words("Don't stop,\tWELL-known!") == [
        *("don", "'", "t", "stop", ",", "well", "-", "known", "!"),
    ]
    assert words("a\u00a0b c\u3000d") == ["a\u00a0b", "c\u3000d"]  # these spaces split nothing
    assert words("x\0 y") == ["x"]


def test_ids_are_marked_cut_and_padded():
    tokenizer = WordPieceTokenizer(VOCABULARY, 5)
    ids = tokenizer.encode(["play", "", "plays playing", "playing plays!"])
    play, ing, s = (VOCABULARY[piece] for piece in ("play", "##ing", "##s"))
    assert ids.dtype == np.int32
    assert ids.tolist() == [[1, play, 2, 0, 0], [1, 2, 0, 0, 0], [1, play, s, play, 2],
                            [1, play, ing, play, 2]]  # fmt: skip
    assert tokenizer.read(ids).sum(axis=1).tolist() == [1, 0, 3, 3]
    assert tokenizer.resized(3).encode(["plays"]).tolist() == [[1, play, 2]]


def test_a_token_knows_its_word():
    tokenizer = WordPieceTokenizer(VOCABULARY, 12)
    assert tokenizer.tokens("Plays x") == [
        Token("[CLS]", 1, ""),
        Token("play", VOCABULARY["play"], "plays"),
        Token("##s", VOCABULARY["##s"], "plays"),
        Token("[UNK]", 3, "x"),
        Token("[SEP]", 2, ""),
    ]


def test_a_long_token_is_unknown():
    tokenizer = WordPieceTokenizer(Pieces([*SPECIAL, "a", "##a", "é", "##é"]), 300)
    assert tokenizer.split("a" * 100) == ["a", *["##a"] * 99]
    assert tokenizer.split("a" * 101) == ["[UNK]"]
    assert tokenizer.split("é" * 50) == ["é", *["##é"] * 49]
    assert tokenizer.split("é" * 51) == ["[UNK]"]  # bytes are counted, not letters


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([*SPECIAL, "a", "b", "a"], "'a' has the ids 4 and 6"),
        ([*SPECIAL, ""], "'' with id 4"),
        ([*SPECIAL, "a\nb"], "with id 4"),
        (SPECIAL[:-1], r"without \[UNK\]"),
        (["[UNK]", *SPECIAL[:-1]], r"\[PAD\] has id 1"),
    ],
)
def test_vocabularies_that_the_device_cannot_use(lines, message):
    with pytest.raises(ValueError, match=message):
        Pieces(lines)


def test_a_vocabulary_is_read_as_it_was_written(tmp_path):
    VOCABULARY.save(tmp_path / "vocab.txt")
    assert Pieces.load(tmp_path / "vocab.txt") == VOCABULARY
    assert Pieces.parse(VOCABULARY.text.replace("\n", "\r\n")) == VOCABULARY
    with pytest.raises(ValueError, match=r"vocab\.txt: piece 'a' has the ids 4 and 5"):
        Pieces.parse("\n".join([*SPECIAL, "a", "a"]), source="vocab.txt")
    with pytest.raises(ValueError, match="not UTF-8"):
        Pieces.parse(b"\xff\n")


@pytest.mark.parametrize("length", [1, 0, -3])
def test_a_length_without_room_for_the_marks(length):
    with pytest.raises(ValueError, match="give 2 or more"):
        WordPieceTokenizer(VOCABULARY, length)


def test_a_tokenizer_is_made_again_from_its_options():
    tokenizer = WordPieceTokenizer(VOCABULARY, 9)
    content = VOCABULARY.text.encode()
    again = tokenizers.load(tokenizer.options, content, source="vocab.txt")
    assert isinstance(again, WordPieceTokenizer)
    assert again.vocabulary == VOCABULARY
    assert again.max_length == 9
    with pytest.raises(ValueError, match="kind is 'sentencepiece'"):
        tokenizers.load({"kind": "sentencepiece", "max_length": 9}, content, source="vocab.txt")
    with pytest.raises(tokenizers.VocabularyError, match=r"other\.txt"):
        tokenizers.load(tokenizer.options, b"play 3\n", source="other.txt")


# What is learnt


TEXTS = [
    "playing the game", "they play games", "she played a game", "players play well",
    "replay the games", "a player plays", "unplayable!", "the display was well made",
] * 2  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _tokenizers():
    pytest.importorskip("tokenizers", reason="tokenizers is not installed")


def test_frequent_words_are_whole_and_no_known_letter_is_unknown():
    found = pieces.learn(TEXTS, size=300)
    tokenizer = WordPieceTokenizer(found, 64)
    for word in ("play", "game", "games", "the", "player"):
        assert tokenizer.split(word) == [word]
    for text in ("gamer", "unplayed", "xyzzy", "Don't!", "42%"):
        assert "[UNK]" not in tokenizer.split(text)
    assert tokenizer.split("玩") == ["[UNK]"]  # a letter that no text has


@pytest.mark.parametrize("size", [8, 9, 40, 60])
def test_the_size_is_kept_to(size):
    found = pieces.learn(TEXTS, size=size)
    assert found.size == size
    assert list(found)[:4] == list(SPECIAL)


def test_too_few_pieces_are_refused():
    with pytest.raises(ValueError, match="take 8 or more"):
        pieces.learn(TEXTS, size=7)


def test_the_same_texts_give_the_same_bytes_in_every_process():
    program = (
        "import sys, hashlib; from tests.test_wordpiece import TEXTS; from zoo import pieces; "
        "print(hashlib.sha256(pieces.learn(TEXTS, size=200).text.encode()).hexdigest())"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        ).stdout
        for _ in range(4)
    }
    assert len(printed) == 1


def test_a_pretrained_vocabulary_is_pruned_to_what_the_texts_need():
    whole = ["the", "play", "##ing", "##er", "game", "##s", "zebra", "quagga", "[unused]", "a"]
    texts = ["the player", "playing games"]
    found = pieces.pruned(whole, texts, size=200)
    tokenizer = WordPieceTokenizer(found, 64)
    assert tokenizer.split("the player playing games") == [
        *("the", "play", "##er", "play", "##ing", "game", "##s"),
    ]
    assert "zebra" in found  # there is room
    order = list(found)
    assert order.index("play") < order.index("zebra")
    small = pieces.pruned(whole, texts, size=14)
    assert small.size == 14
    assert "zebra" not in small


def test_extending_keeps_ids_and_leaves_out_what_no_text_gives():
    found = VOCABULARY.extended(["play", "game", "two words", "UPPER", "##y"], size=100)
    assert list(found)[: len(VOCABULARY)] == list(VOCABULARY)
    assert list(found)[len(VOCABULARY) :] == ["game", "##y"]
    assert VOCABULARY.extended(["game", "##y"], size=len(VOCABULARY) + 1).size == len(found) - 1
