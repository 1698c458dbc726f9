"""A grammar of short English reviews whose verdict depends on the order of the words.

A review is an optional opening without a verdict, an optional aside against the verdict, a core
that carries the verdict, and an optional sentence that supports it. All choices are made before the
verdict, so each plan gives two reviews, one for each verdict: a pair of twins. In many cores, both
verdicts use the same words in a different order ("At first I hated it, but in the end I loved it"),
so counting words cannot distinguish such twins. Pairs that differ in little more than the label are
known as contrast sets (Gardner et al., 2020, "Evaluating Models' Local
Decision Boundaries via Contrast Sets") and as counterfactually augmented data (Kaushik et al.,
2020, "Learning the Difference that Makes a Difference").

The texts are the same on every machine and Python version. Standard library only.
"""

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from zoo.datasets.lexicon import (
    ADJECTIVES,
    COMPANIONS,
    DEGREES,
    EFFECTS,
    FEELINGS,
    KINDS,
    OTHERS,
    TOPICS,
    VERBS,
    VERDICTS,
    WHEN,
    Facet,
    Phrases,
)

LABELS = ("negative", "positive")
SIZES = {"train": 10_000, "validation": 1_000, "test": 2_000}
SHORTEST, LONGEST = 6, 60
SEED = 20

# A slot is "{side kind}": {win ...} supports the verdict, {lose ...} contradicts it; {good ...} and
# {bad ...} do not depend on it. Kinds: aspect (a clause on one facet), whole (a clause on the thing
# itself), claim (either of the two, never negated), part ("the witty dialogue"), adj (an adjective
# for the thing), trait (one for {noun}), and the lists of the lexicon: feeling, effect, kind,
# verdict. A digit at the end means another one of the same kind. If the two verdicts need different
# frames, the entry is a tuple: positive, negative.

_PLAIN = Phrases(
    both=(
        "{win whole}. It {win effect}.",
        "{win whole}, and {win verdict}.",
        "{win aspect} and {win aspect2}.",
        "{win aspect}. {win verdict}.",
        "{win aspect}, {win aspect2}, and {win verdict}.",
        "{win verdict}: {win aspect} and {win aspect2}.",
        "I {win feeling}, and {other} {win feeling2}.",
        "What {win kind}! {win aspect}.",
        "It {win effect}, and {win verdict}.",
        "{win adj}, {win adj2} and, in a word, {win adj3}.",
    ),
    train=(
        "To put it briefly, {win whole}. {win aspect}.",
        "I {win feeling}. It {win effect} from beginning to end.",
        "{other} was right: it {is} {win kind}. {win verdict}.",
    ),
    test=(
        "In a word, it {is} {win adj}. {win verdict}.",
        "It {win effect} from beginning to end, and {win aspect}.",
        "To put it in a word, {win adj}. What {win kind}!",
        "Everyone {win feeling}, and {other} was right: it {is} {win kind}.",
    ),
)

_DENIAL = Phrases(
    both=(
        "Nobody can tell me that {lose claim}.",
        "Don't believe anyone who says that {lose claim}.",
        "I'd be lying if I said that {lose claim}.",
        "They say that {lose claim}. They are wrong.",
        "They say that {win claim}. They are right.",
        "Anyone who says that {lose claim} is wrong.",
        "Anyone who says that {win claim} is right.",
        "{other} was wrong to tell me that {lose claim}.",
        "{other} was right to tell me that {win claim}.",
        "I had heard that {lose claim}, and it is not true.",
        "I had heard that {win claim}, and it is true.",
        "It {is} not half as {lose adj} as people say.",
        "It {is} every bit as {win adj} as people say.",
    ),
    train=(
        "I can't agree that {lose claim}.",
        "They say that {lose claim}, but don't believe them.",
        "I fully agree that {win claim}.",
        "You won't hear me say that {lose claim}.",
    ),
    test=(
        "It is not true that {lose claim}.",
        "Everyone who says that {lose claim} is wrong.",
        "Everyone who says that {win claim} is right.",
        "They say that {lose claim}. Don't believe it.",
        "It is every bit as {win adj} as I had heard, and not half as {lose adj}.",
    ),
)

_EVENTS = Phrases(
    both=(
        "At first I {lose feeling}, but in the end I {win feeling}.",
        "In the end I {win feeling}, although at first I {lose feeling}.",
        "It {lose effect} at first. By the end it {win effect}.",
        "By the end it {win effect}, though at first it {lose effect}.",
        "To begin with it {lose effect}, but later it {win effect}.",
        "First I {lose feeling}, then I {win feeling}.",
        "It turned out to be {win kind}, though it began as {lose kind}.",
        "What began as {lose kind} ended as {win kind}.",
        "It began as {lose kind} and turned into {win kind}.",
        "I {win feeling} in the end. Before that I {lose feeling}.",
        "I used to think it was {lose adj}. Now I know that it is {win adj}.",
    ),
    train=(
        "I started out thinking it was {lose kind} and ended up thinking it was {win kind}.",
        "It ended as {win kind}, even if it had started as {lose kind}.",
        "I called it {lose adj} on the first day and {win adj} on the last.",
        "For the first ten minutes I {lose feeling}, from then on I {win feeling}.",
    ),
    test=(
        "What started as {lose kind} turned into {win kind}.",
        "To begin with I {lose feeling}, but by the end I {win feeling}.",
        "It {win effect} in the end, although it {lose effect} to begin with.",
        "I used to think it was {lose kind}. Now I think it is {win kind}.",
    ),
)

_CONTRAST = Phrases(
    both=(
        "{lose aspect}, but {win aspect}, and that is what {counts}.",
        "{lose aspect}, but what settled it for me was that {win aspect}.",
        "It hardly {matters} that {lose aspect}, because {win aspect}.",
        "{win aspect}, so it hardly {matters} that {lose aspect}.",
        "{win aspect}, and that {counts} for more than the fact that {lose aspect}.",
        "For me, {win part} counted for more than {lose part}.",
        "For me, {lose part} counted for less than {win part}.",
        "What I will remember is {win part}, not {lose part}.",
        "I will remember {win part} long after I have forgotten {lose part}.",
        "In the end {win part} outweighed {lose part}.",
        ("{good part} made up for {bad part}.", "{good part} could not make up for {bad part}."),
        (
            "{bad aspect}, but {good part} made up for everything.",
            "{bad aspect}, and {good part} made up for nothing.",
        ),
        ("{bad part} could not spoil it for me.", "{good part} could not save it for me."),
    ),
    train=(
        "{win part} settled it for me, and {lose part} did not.",
        "I soon forgot {lose part}, but I still remember {win part}.",
        "{win part} counted for a lot, {lose part} for little.",
        (
            "{bad part} took nothing away from {good part}.",
            "{bad part} took everything away from {good part}.",
        ),
    ),
    test=(
        "I have forgotten {lose part}, but I will long remember {win part}.",
        "What counted for me was {win part}, not {lose part}.",
        "In the end {lose part} mattered less to me than {win part}.",
        (
            "In the end {good part} made up for {bad part}.",
            "In the end {good part} could not make up for {bad part}.",
        ),
    ),
)

_CONCESSION = Phrases(
    both=(
        "Although {lose aspect}, {win whole}.",
        "{win whole}, although {lose aspect}.",
        "Even though {lose aspect}, I {win feeling}.",
        "I {win feeling}, even though {lose aspect}.",
        "Despite {lose part}, {win verdict}.",
        "{win verdict}, despite {lose part}.",
        "While {lose aspect}, {win whole}.",
        "{lose aspect}, and still {win verdict}.",
    ),
    train=(
        "In spite of {lose part}, {win whole}.",
        "{lose aspect}. All the same, {win verdict}.",
        "Granted that {lose aspect}, {win verdict}.",
    ),
    test=(
        "Despite {lose part}, it {win effect}.",
        "I {win feeling}, although {lose aspect} and {lose aspect2}.",
        "{lose aspect}. Still, {win verdict}, even though {lose aspect2}.",
        "In spite of {lose part}, I {win feeling}.",
    ),
)

_CORRECTION = Phrases(
    both=(
        "I expected it to be {lose adj}, but it {is} {win adj}.",
        "I expected {lose kind} and got {win kind}.",
        "I got {win kind} where I had expected {lose kind}.",
        "I had expected the {noun} to be {lose trait}, but {it} {noun is} {win trait}.",
        "The {noun} {noun is} {win trait}, where I had expected {them} to be {lose trait}.",
        "It {is} {win adj} rather than {lose adj}.",
        "It {is} not {lose adj} but {win adj}.",
        "It {is} {win adj}, not {lose adj}.",
        "Instead of {lose kind} I got {win kind}.",
        "It {is} less {lose adj} than {win adj}.",
        ("I feared the worst and got the best.", "I hoped for the best and got the worst."),
    ),
    train=(
        "I was told to expect {lose kind}. What I got was {win kind}.",
        "It {is} more {win adj} than {lose adj}.",
        "Far from {lose kind}, it {is} {win kind}.",
        "Where I had expected {lose part}, I got {win part}.",
    ),
    test=(
        "Rather than {lose kind} I got {win kind}.",
        "I got {win kind} instead of {lose kind}.",
        "The {noun} {noun is} not {lose trait} but {win trait}.",
        "I had expected to find it {lose adj}, but I {find} it {win adj}.",
    ),
)

_OPINION = Phrases(
    both=(
        "{other} {lose feeling}, but I {win feeling}.",
        "I {win feeling}, even though {other} {lose feeling}.",
        "{other} called it {lose adj}; I call it {win adj}.",
        "{other} may call it {lose kind}, but to me it {is} {win kind}.",
        "Unlike {other}, who {lose feeling}, I {win feeling}.",
        "I {win feeling}, unlike {other}, who {lose feeling}.",
        "{other} was wrong to call it {lose adj}.",
        "{other} was right to call it {win adj}.",
        "{other} says the {noun} {noun is} {lose trait}. I say {it} {noun is} {win trait}.",
    ),
    train=(
        "I {win feeling}. {other} {lose feeling}, but then we never agree.",
        "I disagree with {other}, who thinks it {is} {lose adj}. I think it {is} {win adj}.",
    ),
    test=(
        "I call it {win kind}, even though {other} called it {lose kind}.",
        "While {other} {lose feeling}, I {win feeling}.",
        "{other} says it {is} {lose kind}. I say it {is} {win kind}.",
        "I can't agree with {other}, who {lose feeling}: I {win feeling}.",
    ),
)

_COMPARISON = Phrases(
    both=(
        "The last {thing} I {tried} was {lose adj}; this one {is} {win adj}.",
        "This {thing} {is} {win adj}, unlike the last one I {tried}, which was {lose adj}.",
        "Unlike the last {thing} I {tried}, which was {lose adj}, this one {is} {win adj}.",
        "This {thing} {is} as {win adj} as the last one was {lose adj}.",
        "Other {things} are {lose adj}, but this one {is} {win adj}.",
        ("It {is} better than I feared.", "It {is} worse than I hoped."),
        ("I have rarely {tried} a better {thing}.", "I have rarely {tried} a worse {thing}."),
        ("It could hardly be better.", "It could hardly be worse."),
        ("It could not have been better.", "It could have been a great deal better."),
        ("I could not ask for more.", "I could ask for a lot more."),
        ("It {is} not nearly as bad as people say.", "It {is} not nearly as good as people say."),
    ),
    train=(
        "I have {tried} {lose adj} {things}, but this {is} a {win adj} one.",
        "If the last {thing} I {tried} was {lose kind}, this one {is} {win kind}.",
        ("There is no better {thing} for the money.", "There is no worse {thing} for the money."),
    ),
    test=(
        "The last {thing} I {tried} was {lose kind}, but this {is} {win kind}.",
        "This one {is} {win adj}, unlike other {things}, which are {lose adj}.",
        ("It {is} far better than I feared.", "It {is} far worse than I hoped."),
        ("I have never {tried} a better {thing}.", "I have never {tried} a worse {thing}."),
    ),
)

# The tables that a core is drawn from, with their multiplicities.
_CORES = (
    *(_PLAIN,) * 22,
    *(_DENIAL,) * 12,
    *(_EVENTS,) * 15,
    *(_CONTRAST,) * 15,
    *(_CONCESSION,) * 11,
    *(_CORRECTION,) * 10,
    *(_OPINION,) * 8,
    *(_COMPARISON,) * 7,
)

_ASIDES = Phrases(
    both=("True, {lose aspect}.", "I admit that {lose aspect}."),
    train=("Granted, {lose aspect}.",),
    test=("It is true that {lose aspect}.",),
)

_SUPPORT = Phrases(
    both=("{win verdict}.", "All in all, {win whole}.", "In short, {win verdict}."),
    train=("What is more, {win aspect}.", "Once more: {win verdict}."),
    test=("All in all, {win verdict}.", "In short, it {win effect}."),
)

# Clauses about a subject.
_CLAIMS = Phrases(both=("{subject} {is} {adjective}", "{subject} {is} {degree} {adjective}"))

# Clauses that assert an adjective of a subject ...
_ASSERTIONS = Phrases(
    both=(
        "{subject} {is} {adjective}",
        "{subject} {is} {degree} {adjective}",
        "I {find} {subject} {adjective}",
        "I {find} {subject} {degree} {adjective}",
        "{subject} {proves} {adjective}",
    ),
    train=("{subject} {strikes} me as {adjective}", "{subject} {seems} {degree} {adjective}"),
    test=("{subject} {proves} {degree} {adjective}", "{subject} {seems} {adjective}"),
)

# ... and clauses that deny it, and so assert the opposite.
_NEGATIONS = Phrases(
    both=(
        "{subject} {is} not {adjective} at all",
        "{subject} {is} not exactly {adjective}",
        "{subject} {is} anything but {adjective}",
        "{subject} {is} far from {adjective}",
        "{subject} {is} never {adjective}",
        "nobody would call {subject} {adjective}",
    ),
    train=(
        "{subject} {is} by no means {adjective}",
        "I'd never call {subject} {adjective}",
        "there's nothing {adjective} about {subject}",
    ),
    test=(
        "{subject} {is} not in any way {adjective}",
        "I {find} {subject} anything but {adjective}",
        "nobody could find anything {adjective} about {subject}",
        "{adjective} is not the word for {subject}",
    ),
)

# How often a clause on a facet is a remark, how often a clause is the negation of its opposite, and
# how often a clause on the whole thing has a noun instead of an adjective.
_REMARK_RATE = 0.2
_NEGATION_RATE = 0.25
_KIND_RATE = 0.2

_OPENING_RATE = 0.45
_ASIDE_RATE = 0.12
_SUPPORT_RATE = 0.2

_GOOD, _BAD = "good", "bad"
_OPPOSITE = {_GOOD: _BAD, _BAD: _GOOD}
_SIDES = {
    "positive": {"win": _GOOD, "lose": _BAD, _GOOD: _GOOD, _BAD: _BAD},
    "negative": {"win": _BAD, "lose": _GOOD, _GOOD: _GOOD, _BAD: _BAD},
}
_LISTS = {"feeling": FEELINGS, "effect": EFFECTS, "kind": KINDS, "verdict": VERDICTS}

_SLOT = re.compile(r"\{(win|lose|good|bad) (([a-z]+)\d?)\}")
_NAME = re.compile(r"\{(noun )?(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa])(?= [aeiou])(?! (?:one|useful|useless)\b)")
_SENTENCE_START = re.compile(r"(?:^|(?<=[.!?] ))[a-z]")

# A casual writer contracts every "not", a formal one spells everything out.
_CASUAL = re.compile(r"\b(is|are|was|were|could|did|would) not\b")
_FORMAL = (
    (re.compile(r"\bcan't\b"), "cannot"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"'d\b"), " would"),
    (re.compile(r"'m\b"), " am"),
    (re.compile(r"'ve\b"), " have"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"\bthere's\b"), "there is"),
)


def generate(split: str) -> Iterator[tuple[str, str]]:
    """Yields the (text, label) rows of a split, with twins next to each other.

    No text occurs twice, within a split or across splits, ignoring case and punctuation.

    Args:
        split: "train", "validation" or "test". Validation uses the phrases of train; test has
            additional ones.

    Raises:
        ValueError: If there is no such split.
    """
    if split not in SIZES:
        raise ValueError(f"The reviews have no split {split!r}; choose one of {', '.join(SIZES)}.")
    taken: set[str] = set()
    # The previous splits are generated too, to avoid their texts.
    for number, name in enumerate(SIZES):
        for twins in _fresh_twins(name, random.Random(SEED + number), taken):
            if name == split:
                yield from twins
        if name == split:
            return


def words(text: str) -> list[str]:
    """The words of a text, lower-cased and without punctuation."""
    return re.findall(r"[\w']+", text.lower())


def _fresh_twins(
    split: str, rng: random.Random, taken: set[str]
) -> Iterator[list[tuple[str, str]]]:
    """Yields pairs of rows of valid length that are not in `taken`, and adds them to it."""
    missing = SIZES[split]
    while missing:
        twins = _Review(split, rng).twins()
        texts = [words(text) for text, _ in twins]
        keys = [" ".join(text) for text in texts]
        if taken.isdisjoint(keys) and all(SHORTEST <= len(text) <= LONGEST for text in texts):
            taken.update(keys)
            missing -= len(twins)
            yield twins


def _on_side(side: str, pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [good if side == _GOOD else bad for good, bad in pairs]


class _Piece(NamedTuple):
    """A part of a review: its frame for each label, and a good and a bad filling for each slot."""

    frames: dict[str, str]
    fillings: dict[str, dict[str, str]]

    def read(self, label: str) -> str:
        sides = _SIDES[label]
        return _SLOT.sub(lambda slot: self.fillings[slot[2]][sides[slot[1]]], self.frames[label])


class _Review:
    """A plan for a pair of reviews: all choices that do not depend on the verdict."""

    def __init__(self, split: str, rng: random.Random):
        self._split = split
        self._rng = rng
        self._used: set[str] = set()
        self._topic = self._pick(TOPICS)
        self._past = self._topic.past_only or self._chance(0.5)
        self._facets = list(self._topic.facets)
        self._facet = self._take_facet()
        noun, self._plural = self._pick_noun(self._facet)
        self._names = {
            "noun": noun,
            "it": "they" if self._plural else "it",
            "them": "them" if self._plural else "it",
            "thing": self._pick(self._topic.singular.split(", ")),
            "things": self._pick(self._topic.plural.split(", ")),
            "tried": self._topic.tried,
            "other": self._pick(OTHERS.of(split)),
            "companion": self._pick(COMPANIONS.of(split)),
            "when": self._pick(WHEN.of(split)),
        }
        self._pieces = [self._piece(frame) for frame in self._outline()]
        self._manner = self._rng.random()
        self._hand = self._rng.random()

    def twins(self) -> list[tuple[str, str]]:
        """The two reviews of the plan with their labels, in random order."""
        labels = LABELS if self._chance(0.5) else LABELS[::-1]
        return [(self._write(label), label) for label in labels]

    # Choosing. Python guarantees that `Random.random` is the same in all versions, unlike `choice`
    # and `shuffle`.

    def _chance(self, rate: float) -> bool:
        return self._rng.random() < rate

    def _pick(self, options: Sequence) -> Any:
        return options[int(self._rng.random() * len(options))]

    def _pick_fresh(self, options: Sequence[str]) -> str:
        """One of `options` that this review has not used yet."""
        choice = self._pick([option for option in options if option not in self._used])
        self._used.add(choice)
        return choice

    def _take_facet(self) -> Facet:
        facet = self._pick(self._facets)
        self._facets.remove(facet)
        return facet

    def _pick_noun(self, facet: Facet) -> tuple[str, bool]:
        """A noun, and whether it is a plural."""
        plurals = facet.plural.split(", ") if facet.plural else []
        noun = self._pick(facet.singular.split(", ") + plurals)
        return noun, noun in plurals

    def _pick_trait(self, side: str, facet: Facet) -> str:
        return self._pick_fresh((facet.good if side == _GOOD else facet.bad).split(", "))

    def _pick_adjective(self, side: str) -> str:
        own = self._topic.good if side == _GOOD else self._topic.bad
        return self._pick_fresh(own.split(", ") + _on_side(side, ADJECTIVES))

    # Planning: the frames, then the fillings of their slots.

    def _outline(self) -> Iterator[Any]:
        """Yields the frame of each part of the review."""
        if self._chance(_OPENING_RATE):
            yield self._pick(self._topic.openings.of(self._split))
        if self._chance(_ASIDE_RATE):
            yield self._pick(_ASIDES.of(self._split))
        yield self._pick(self._pick(_CORES).of(self._split))
        if self._chance(_SUPPORT_RATE):
            yield self._pick(_SUPPORT.of(self._split))

    def _piece(self, frame: str | tuple[str, str]) -> _Piece:
        positive, negative = frame if isinstance(frame, tuple) else (frame, frame)
        sides: dict[tuple[str, str], set[str]] = {}
        for side, slot, kind in _SLOT.findall(positive + negative):
            sides.setdefault((slot, kind), set()).add(side)
        return _Piece(
            frames={"positive": self._fill(positive), "negative": self._fill(negative)},
            fillings={
                slot: self._filling(kind, two_sided=len(found) == 2)
                for (slot, kind), found in sides.items()
            },
        )

    def _filling(self, kind: str, two_sided: bool) -> dict[str, str]:
        """A good and a bad filling for the slots of a kind."""
        if kind == "claim":
            kind = self._pick(("facet claim", "whole claim"))
        if kind in ("aspect", "part", "facet claim"):
            # One facet cannot be good and bad in the same sentence.
            good = self._take_facet()
            bad = self._take_facet() if two_sided else good
            return {
                _GOOD: self._on_facet(kind, _GOOD, good),
                _BAD: self._on_facet(kind, _BAD, bad),
            }
        return {side: self._on_thing(kind, side) for side in _OPPOSITE}

    def _on_facet(self, kind: str, side: str, facet: Facet) -> str:
        remarks = _on_side(side, facet.remarks.of(self._split))
        if kind == "aspect" and remarks and self._chance(_REMARK_RATE):
            return self._pick_fresh(remarks)
        noun, plural = self._pick_noun(facet)
        if kind == "part":
            return f"the {self._pick_trait(side, facet)} {noun}"
        if kind == "facet claim":
            return self._clause(_CLAIMS, f"the {noun}", self._pick_trait(side, facet), plural)
        if self._chance(_NEGATION_RATE):
            opposite = self._pick_trait(_OPPOSITE[side], facet)
            return self._clause(_NEGATIONS, f"the {noun}", opposite, plural)
        return self._clause(_ASSERTIONS, f"the {noun}", self._pick_trait(side, facet), plural)

    def _on_thing(self, kind: str, side: str) -> str:
        if kind in _LISTS:
            pairs = _LISTS[kind].of(self._split)
            if kind == "verdict":
                pairs += self._topic.verdicts
            return self._fill(self._pick_fresh(_on_side(side, pairs)))
        if kind == "trait":
            return self._pick_trait(side, self._facet)
        if kind == "adj":
            return self._pick_adjective(side)
        thing = self._names["thing"]
        subject = self._pick((f"the {thing}", f"this {thing}" if kind == "whole" else "it"))
        if self._chance(_KIND_RATE):
            noun = self._on_thing("kind", side)
            return self._fill("{subject} {is} {kind}", subject=subject, kind=noun)
        if kind == "whole claim":
            return self._clause(_CLAIMS, subject, self._pick_adjective(side))
        if self._chance(_NEGATION_RATE):
            return self._clause(_NEGATIONS, subject, self._pick_adjective(_OPPOSITE[side]))
        return self._clause(_ASSERTIONS, subject, self._pick_adjective(side))

    def _clause(self, patterns: Phrases, subject: str, adjective: str, plural: bool = False) -> str:
        return self._fill(
            self._pick(patterns.of(self._split)),
            plural,
            subject=subject,
            adjective=adjective,
            degree=self._pick(DEGREES.of(self._split)),
        )

    def _fill(self, pattern: str, plural: bool = False, **names: str) -> str:
        """Fills in names and verbs, but not the slots that depend on the verdict."""
        names = {**self._names, **names}

        def fill(match: re.Match) -> str:
            of_noun, name = match.groups()
            if name in VERBS:
                return VERBS[name][2 * self._past + (self._plural if of_noun else plural)]
            return names[name]

        return _NAME.sub(fill, pattern)

    # Writing.

    def _write(self, label: str) -> str:
        text = " ".join(piece.read(label) for piece in self._pieces)
        text = _ARTICLE.sub(r"\1n", self._spell(text))
        return self._type(_SENTENCE_START.sub(lambda letter: letter[0].upper(), text))

    def _spell(self, text: str) -> str:
        """Contracts or expands words, depending on the writer."""
        if self._manner < 0.3:
            for short, long in _FORMAL:
                text = short.sub(long, text)
        elif self._manner < 0.6:
            text = _CASUAL.sub(r"\1n't", text)
        return text

    def _type(self, text: str) -> str:
        """Changes case and punctuation, depending on the writer."""
        if self._hand < 0.1:
            return text.lower().rstrip(".")
        if self._hand < 0.2:
            return text.rstrip(".!") + "!"
        if self._hand < 0.27:
            return text.rstrip(".")
        return text
