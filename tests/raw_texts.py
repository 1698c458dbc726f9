"""Raw texts that tokenizers may get wrong: written by hand, and generated."""

import random
import unicodedata

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

# Code points of each script and kind that tokenizers treat in their own way.
RANGES = {
    "ASCII": (0x21, 0x7E),
    "controls": (0x01, 0x1F),
    "C1 controls": (0x7F, 0x9F),
    "Latin-1": (0xA0, 0xFF),
    "Latin": (0x100, 0x24F),
    "combining": (0x300, 0x36F),
    "Greek": (0x370, 0x3FF),
    "Cyrillic": (0x400, 0x52F),
    "Hebrew": (0x590, 0x5FF),
    "Arabic": (0x600, 0x6FF),
    "Devanagari": (0x900, 0x97F),
    "Thai": (0xE00, 0xE7F),
    "Hangul": (0xAC00, 0xAD00),
    "kana": (0x3040, 0x30FF),
    "CJK": (0x4E00, 0x4F00),
    "CJK extension A": (0x3400, 0x3440),
    "CJK extension B": (0x20000, 0x20040),
    "CJK extension F and beyond": (0x2CEB0, 0x2CEF0),
    "CJK compatibility": (0xF900, 0xF940),
    "CJK symbols": (0x3000, 0x303F),
    "full-width": (0xFF01, 0xFFEE),
    "spaces and marks": (0x2000, 0x206F),
    "symbols": (0x20A0, 0x22FF),
    "emoji": (0x1F300, 0x1F64F),
    "flags": (0x1F1E6, 0x1F1FF),
    "selectors": (0xFE00, 0xFE0F),
    "private use": (0xE000, 0xE010),
    "any": (0x01, 0x2FFFF),
}
WORDS = ["the", "The", "MOVIE", "don't", "[CLS]", "[SEP]", "[PAD]", "[UNK]", "##ing", "##", "#",
         "a" * 99, "b" * 100, "c" * 101, "é" * 50, "é" * 51, "日本語", "<br />"]  # fmt: skip


def generated(count: int, seed: int) -> list[str]:
    """Random texts of all scripts, the same for the same seed.

    They hold no NUL and no surrogates, and no characters that Python's Unicode does not know.
    """
    choices = random.Random(seed)
    return [_text(choices) for _ in range(count)]


def _text(choices: random.Random) -> str:
    kinds = choices.choices(list(RANGES), k=choices.randint(1, 3))
    parts = []
    for _ in range(choices.randint(0, 12)):
        if choices.random() < 0.25:
            parts.append(choices.choice(WORDS))
        else:
            low, high = RANGES[choices.choice(kinds)]
            points = (choices.randint(low, high) for _ in range(choices.randint(1, 8)))
            letters = (chr(point) for point in points if not 0xD800 <= point < 0xE000)
            parts.append("".join(one for one in letters if unicodedata.category(one) != "Cn"))
    spaces = ["", " ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u3000", "\u200b", "\x0b", "-", "."]
    return "".join(part + choices.choice(spaces) for part in parts)
