"""The tokens of a text, for people: `python -m zoo tokens`."""

from dataclasses import dataclass

from zoo.tokenizers import AnyTokenizer


@dataclass(frozen=True)
class TokenTable:
    """What a model reads of a text.

    Attributes:
        text: The text.
        tokens: The tokens that it reads, as its vocabulary has them.
        ids: Their ids.
        unknown: Words among them that the vocabulary lacks.
        cut: The number of tokens of the text that are left out, since it is too long.
    """

    text: str
    tokens: list[str]
    ids: list[int]
    unknown: list[str]
    cut: int


def of(tokenizer: AnyTokenizer, text: str) -> TokenTable:
    """The tokens of a text."""
    everything = tokenizer.tokens(text)
    (row,) = tokenizer.encode([text])
    kept = everything
    if len(everything) > len(row):
        # A token that is added at the end stays there.
        kept = (
            everything[: len(row)]
            if everything[-1].word
            else [*everything[: len(row) - 1], everything[-1]]
        )
    unknown = tokenizer.vocabulary.unknown
    return TokenTable(
        text=text,
        tokens=[token.token for token in kept],
        ids=[token.id for token in kept],
        unknown=[token.word for token in kept if token.id == unknown and token.word],
        cut=len(everything) - len(kept),
    )


def describe(table: TokenTable) -> str:
    """Formats the tokens above their ids, and what is unknown or cut."""
    widths = [
        max(len(token), len(str(number)))
        for token, number in zip(table.tokens, table.ids, strict=True)
    ]
    lines = [
        table.text,
        "  " + " ".join(t.ljust(w) for t, w in zip(table.tokens, widths, strict=True)).rstrip(),
        "  " + " ".join(str(n).ljust(w) for n, w in zip(table.ids, widths, strict=True)).rstrip(),
    ]
    if table.unknown:
        lines.append(f"  unknown: {', '.join(table.unknown)}")
    if table.cut:
        lines.append(f"  cut: {table.cut} tokens beyond {len(table.tokens)}")
    return "\n".join(lines)
