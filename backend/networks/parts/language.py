"""Tokenizers: text to numbers of a vocabulary, as language models were trained with.

WordPiece as BERT uses it (Wu et al., "Google's Neural Machine Translation System", 2016, section 4.1; Devlin et al., "BERT", NAACL 2019).
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping, Sequence

BEGIN, END, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
WORD_END = "</w>"
MERGES = 48_894  # pairs of CLIP's vocabulary that are used
CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")
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


def byte_pairs(text: str, merges: Mapping[tuple[str, str], int], longest: int) -> list[int]:
    """The numbers of a text's pieces as CLIP has them, its beginning and its end around; at most `longest` of them.

    Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", ACL 2016, over bytes (Radford et al., "Language Models
    are Unsupervised Multitask Learners", 2019). `merges` are the pairs of the published vocabulary in its order; damaged Unicode
    isn't mended.
    """
    letters = _letters_of_bytes()
    pieces = [*letters.values()]
    pieces += [piece + WORD_END for piece in pieces] + [first + second for first, second in merges]
    numbers = {piece: number for number, piece in enumerate(pieces)}
    begin, end = len(pieces), len(pieces) + 1
    found = [begin]
    for word in _clip_words(" ".join(html.unescape(html.unescape(text)).split()).lower()):
        found += [numbers[piece] for piece in _merged("".join(letters[byte] for byte in word.encode()), merges)]
    return [*found[: longest - 1], end]


def merges_of(vocabulary: str) -> dict[tuple[str, str], int]:
    """The pairs of CLIP's vocabulary file with their ranks; raises ValueError where it is another file."""
    lines = vocabulary.split("\n")[1 : MERGES + 1]
    merges: dict[tuple[str, str], int] = {}
    for line in lines:
        first, _, second = line.partition(" ")
        merges[first, second] = len(merges)
    if len(merges) != MERGES:
        raise ValueError("the vocabulary is cut off")
    return merges


def _letters_of_bytes() -> dict[int, str]:
    """A visible letter for each byte: itself where it is one, the next of those from 256 on elsewhere; visible ones first."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in visible]
    return {**{byte: chr(byte) for byte in visible}, **{byte: chr(256 + number) for number, byte in enumerate(others)}}


def _clip_words(text: str) -> list[str]:
    """English contractions, runs of letters, single digits, runs of other signs."""
    words: list[str] = []
    place = 0
    while place < len(text):
        ending = next((part for part in CONTRACTIONS if text.startswith(part, place)), "")
        kind = _kind(text[place])
        end = place + (len(ending) or 1)
        while not ending and kind in ("letter", "sign") and end < len(text) and _kind(text[end]) == kind:
            end += 1
        if kind != "space":
            words.append(text[place:end])
        place = end
    return words


def _kind(character: str) -> str:
    if character.isspace():
        return "space"
    return {"L": "letter", "N": "number"}.get(unicodedata.category(character)[0], "sign")


def _merged(word: str, merges: Mapping[tuple[str, str], int]) -> list[str]:
    """A word's letters, joined pair by pair, the pair of the lowest rank first, everywhere at once."""
    parts = [*word[:-1], word[-1] + WORD_END]
    while len(parts) > 1:
        best = min(zip(parts, parts[1:], strict=False), key=lambda pair: merges.get(pair, len(merges)))
        if best not in merges:
            break
        joined: list[str] = []
        for part in parts:
            if joined and (joined[-1], part) == best:
                joined[-1] += part
            else:
                joined.append(part)
        parts = joined
    return parts
