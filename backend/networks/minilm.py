"""MiniLM: sentences and words as unit vectors, near each other where they mean alike.

Wang et al., "MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers", NeurIPS 2020, trained
for sentences after Reimers and Gurevych, "Sentence-BERT", EMNLP 2019: a BERT of six layers whose tokens are averaged.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ReifyError
from ..reading import DAMAGED, Within, parse_json
from ..values import Array
from .parts.attention import Attention, FeedForward
from .parts.language import BEGIN, END, UNKNOWN, word_pieces

EPSILON = 1e-12  # of the layer normalizations
BATCH = 64  # texts at once


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; the published ones are the defaults."""

    words: int = 30522
    width: int = 384
    depth: int = 6
    heads: int = 12
    longest: int = 256  # tokens that are read of a text
    positions: int = 512
    letters: int = 231_507  # bytes of the vocabulary


class MiniLM(nn.Module):
    """From tokens [B,T] to unit vectors [B,width]."""

    vocabulary: Tensor

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("vocabulary", torch.zeros(shape.letters, dtype=torch.uint8))  # UTF-8, a piece a line
        self.words = nn.Embedding(shape.words, shape.width)
        self.positions = nn.Parameter(torch.empty(shape.positions, shape.width))
        self.segments = nn.Parameter(torch.empty(2, shape.width))  # of a first and a second text; there is no second one here
        self.norm = nn.LayerNorm(shape.width, eps=EPSILON)
        self.blocks = nn.ModuleList(Block(shape.width, shape.heads) for _ in range(shape.depth))

    def forward(self, tokens: Tensor, known: Tensor) -> Tensor:
        """`known` [B,T] is False where a row is filled up."""
        features = self.norm(self.words(tokens) + self.segments[0] + self.positions[: tokens.shape[1]])
        mask = known[:, None, None]
        for block in self.blocks:
            features = block(features, mask)
        weight = known[..., None].to(features.dtype)
        return F.normalize((features * weight).sum(dim=1) / weight.sum(dim=1), dim=1)


class Block(nn.Module):
    """Attention and a feed-forward network, each added to its input and normalized after that, as BERT has it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attend, self.norm_attend = Attention(width, heads, bias=True), nn.LayerNorm(width, eps=EPSILON)
        self.feed, self.norm_feed = FeedForward(width, 4 * width), nn.LayerNorm(width, eps=EPSILON)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Tokens [B,T,width]."""
        tokens = self.norm_attend(tokens + self.attend(tokens, mask=mask))
        return self.norm_feed(tokens + self.feed(tokens))


def pieces_of(network: MiniLM) -> dict[str, int]:
    """The network's vocabulary; raises ReifyError where it is damaged."""
    letters = bytes(network.vocabulary.cpu().numpy()).decode(errors="replace")
    pieces = {piece: number for number, piece in enumerate(letters.split("\n"))}
    if len(pieces) != len(network.words.weight) or not {BEGIN, END, UNKNOWN} <= pieces.keys():
        raise ReifyError("The vocabulary of MiniLM is damaged.", "Remove the model and get it again.")
    return pieces


def vectors_of(texts: Sequence[str], network: MiniLM, pieces: Mapping[str, int]) -> Array:
    """Unit vectors [N,width] float32 of texts; the cosine of two tells how alike they mean."""
    found = []
    for first in range(0, len(texts), BATCH):
        rows = [word_pieces(text, pieces, network.shape.longest) for text in texts[first : first + BATCH]]
        longest = max(map(len, rows))
        tokens = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=network.vocabulary.device)
        known = torch.tensor([[True] * len(row) + [False] * (longest - len(row)) for row in rows], device=network.vocabulary.device)
        with torch.inference_mode():
            found.append(network(tokens, known).float().cpu().numpy())
    return np.concatenate(found) if found else np.zeros((0, network.shape.width), np.float32)


def convert(files: Mapping[str, Path]) -> dict[str, Array]:
    """The network's arrays, and its vocabulary, out of the published archive; raises ValueError where it holds another network."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        with Within(files["model.zip"]) as file, zipfile.ZipFile(file) as archive:
            published = load(archive.read("model.safetensors"))
            tokenizer = parse_json(archive.read("tokenizer.json"))
        numbers: dict[str, int] = tokenizer["model"]["vocab"]
        letters = "\n".join(sorted(numbers, key=lambda piece: numbers[piece])).encode()
    except (SafetensorError, OSError, TypeError, AttributeError, *DAMAGED) as error:
        raise ValueError("the archive isn't MiniLM's") from error
    arrays = {ours(name): array for name, array in published.items() if not name.startswith(UNUSED)}
    arrays["vocabulary"] = np.frombuffer(letters, np.uint8)
    with torch.device("meta"):
        wanted = {name: tuple(array.shape) for name, array in MiniLM().state_dict().items()}
    if wanted != {name: array.shape for name, array in arrays.items()}:
        raise ValueError("it isn't MiniLM")
    return arrays


UNUSED = ("embeddings.position_ids", "pooler.")  # numbers from 0 on; the head of BERT's own training
NAMES = (  # of the published file, and ours
    (r"embeddings\.word_embeddings\.weight", "words.weight"),
    (r"embeddings\.position_embeddings\.weight", "positions"),
    (r"embeddings\.token_type_embeddings\.weight", "segments"),
    (r"embeddings\.LayerNorm\.(\w+)", r"norm.\1"),
    (r"encoder\.layer\.(\d+)\.attention\.self\.(query|key|value)\.(\w+)", r"blocks.\1.attend.\2.\3"),
    (r"encoder\.layer\.(\d+)\.attention\.output\.dense\.(\w+)", r"blocks.\1.attend.out.\2"),
    (r"encoder\.layer\.(\d+)\.attention\.output\.LayerNorm\.(\w+)", r"blocks.\1.norm_attend.\2"),
    (r"encoder\.layer\.(\d+)\.intermediate\.dense\.(\w+)", r"blocks.\1.feed.enter.\2"),
    (r"encoder\.layer\.(\d+)\.output\.dense\.(\w+)", r"blocks.\1.feed.leave.\2"),
    (r"encoder\.layer\.(\d+)\.output\.LayerNorm\.(\w+)", r"blocks.\1.norm_feed.\2"),
)


def ours(name: str) -> str:
    """Our name of an array of the published file; the name itself for one that isn't known."""
    for pattern, replacement in NAMES:
        if found := re.fullmatch(pattern, name):
            return found.expand(replacement)
    return name
