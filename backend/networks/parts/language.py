"""Tokenizers: text to numbers of a vocabulary, as language models were trained with.

WordPiece as BERT uses it (Wu et al., "Google's Neural Machine Translation System", 2016, section 4.1; Devlin et al., "BERT", NAACL 2019).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

BEGIN, END, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
LONGEST_WORD = 100  # characters; longer ones are unknown as a whole
IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))  # words of their own


def word_pieces(text: str, vocabulary: Mapping[str, int], longest: int) -> list[int]:
    """The numbers of a text's pieces, lower case without accents, BEGIN first and END last; at most `longest` of them."""
    found = [vocabulary[BEGIN]]
    for word in _words(text):
        found += _pieces_of(word, vocabulary)
    return [*found[: longest - 1], vocabulary[END]]


def _words(text: str) -> Sequence[str]:
    spaced = []
    for character in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(character)
        if character in "\t\n\r" or kind == "Zs":
            spaced.append(" ")
        elif _is_punctuation(character, kind) or any(low <= ord(character) <= high for low, high in IDEOGRAPHS):
            spaced.append(f" {character} ")
        elif kind not in ("Mn", "Cc", "Cf", "Cn", "Co", "Cs") and character != "�":
            spaced.append(character)
    return "".join(spaced).split()


def _is_punctuation(character: str, kind: str) -> bool:
    """All signs of ASCII count, as in the reference, though Unicode calls some of them symbols."""
    return kind.startswith("P") or (character.isascii() and not character.isalnum() and not character.isspace() and character.isprintable())


def _pieces_of(word: str, vocabulary: Mapping[str, int]) -> list[int]:
    """The longest piece first, then of the rest; UNKNOWN where a rest has none."""
    pieces: list[int] = []
    start = 0
    while start < len(word):
        ends = range(len(word), start, -1) if len(word) <= LONGEST_WORD else ()
        end = next((end for end in ends if ("##" if start else "") + word[start:end] in vocabulary), 0)
        if not end:
            return [vocabulary[UNKNOWN]]
        pieces.append(vocabulary[("##" if start else "") + word[start:end]])
        start = end
    return pieces
