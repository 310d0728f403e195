"""Attention and transformer blocks (Vaswani et al., "Attention Is All You Need", 2017), normalized before each step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Windows = Sequence[tuple[Tensor, Tensor]]  # numbers of tokens [W,L], and which of them are there [W,L]


class Attention(nn.Module):
    """Multi-head attention of tokens [B,T,width] to themselves or to a context [B,S,context].

    `normed` normalizes queries and keys (Henry et al., "Query-Key Normalization for Transformers", 2020, by their root mean square).
    """

    def __init__(self, width: int, heads: int, context: int | None = None, bias: bool = False, normed: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=bias)
        self.key = nn.Linear(context or width, width, bias=bias)
        self.value = nn.Linear(context or width, width, bias=bias)
        self.out = nn.Linear(width, width)
        self.query_norm = HeadNorm(heads, width // heads) if normed else None
        self.key_norm = HeadNorm(heads, width // heads) if normed else None

    def forward(self, tokens: Tensor, context: Tensor | None = None, windows: Windows | None = None, mask: Tensor | None = None) -> Tensor:
        """Tokens [B,T,width]; with `windows`, which hold each token once, a single row's tokens attend to those of their own.

        `mask`, broadcast to [B,heads,T,S], is True where a token may look.
        """
        given = tokens if context is None else context
        query, key, value = (self._by_head(each) for each in (self.query(tokens), self.key(given), self.value(given)))
        if self.query_norm is not None and self.key_norm is not None:
            query, key = self.query_norm(query), self.key_norm(key)
        if windows is None:
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        else:
            mixed = _windowed(query[0], key[0], value[0], windows)[None]
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _by_head(self, tokens: Tensor) -> Tensor:
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)


def _windowed(query: Tensor, key: Tensor, value: Tensor, windows: Windows) -> Tensor:
    """Attention [H,T,C] within windows."""
    mixed = torch.empty_like(value)
    for numbers, there in windows:
        own_query, own_key, own_value = (each[:, numbers].transpose(0, 1) for each in (query, key, value))  # [W,H,L,C] each
        found = F.scaled_dot_product_attention(own_query, own_key, own_value, attn_mask=there[:, None, None])
        mixed[:, numbers[there]] = found.transpose(1, 2)[there].transpose(0, 1)
    return mixed


class HeadNorm(nn.Module):
    """Divides each head's channels [B,H,T,C] by their root mean square, and multiplies them by learned factors, in float32."""

    def __init__(self, heads: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(heads, channels))

    def forward(self, channels: Tensor) -> Tensor:
        """Channels [B,H,T,C]."""
        unit = F.normalize(channels.float(), dim=-1)
        return (unit * self.weight[:, None] * channels.shape[-1] ** 0.5).to(channels.dtype)


class Norm(nn.LayerNorm):
    """Layer normalization in float32, whatever the type of its input."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [...,width]."""
        return super().forward(tokens.float()).to(tokens.dtype)


class GatedFeedForward(nn.Module):
    """GEGLU (Shazeer, "GLU Variants Improve Transformer", 2020): one half of the hidden channels gates the other."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, 2 * hidden)
        self.leave = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [B,T,width]."""
        hidden, gate = self.enter(tokens).chunk(2, dim=-1)
        return self.leave(hidden * F.gelu(gate))


class FeedForward(nn.Module):
    """Two layers with a GELU between them; `approximate` is GELU's own, "none" or "tanh", or "sigmoid", as CLIP has it."""

    def __init__(self, width: int, hidden: int, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate
        self.enter = nn.Linear(width, hidden)
        self.leave = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [B,T,width]."""
        hidden = self.enter(tokens)
        if self.approximate == "sigmoid":  # Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, section 2
            return self.leave(hidden * torch.sigmoid(1.702 * hidden))
        return self.leave(F.gelu(hidden, approximate=self.approximate))


class Block(nn.Module):
    """Attention of tokens to themselves and a feed-forward network, each added to its input."""

    def __init__(self, width: int, heads: int, approximate: str = "none") -> None:
        super().__init__()
        self.norm_self, self.attend_self = nn.LayerNorm(width), Attention(width, heads, bias=True)
        self.norm_feed, self.feed = nn.LayerNorm(width), FeedForward(width, 4 * width, approximate)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens [B,T,width]."""
        tokens = tokens + self.attend_self(self.norm_self(tokens), mask=mask)
        return tokens + self.feed(self.norm_feed(tokens))


class LookingBlock(nn.Module):
    """Attention of tokens to a normalized context alone and a feed-forward network, each added to its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_self, self.norm_context = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend_context = Attention(width, heads, bias=True)
        self.norm_feed, self.feed = nn.LayerNorm(width), FeedForward(width, 4 * width)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Tokens [B,T,width], from those and a context [B,S,width]."""
        tokens = tokens + self.attend_context(self.norm_self(tokens), self.norm_context(context))
        return tokens + self.feed(self.norm_feed(tokens))


class CrossBlock(nn.Module):
    """Attention of tokens to themselves, then to a context, then a gated feed-forward network; each added to its input."""

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.norm_self, self.attend_self = nn.LayerNorm(width), Attention(width, heads)
        self.norm_context, self.attend_context = nn.LayerNorm(width), Attention(width, heads, context)
        self.norm_feed, self.feed = nn.LayerNorm(width), GatedFeedForward(width, 4 * width)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """Tokens [B,T,width], from those and a context [B,S,context]."""
        tokens = tokens + self.attend_self(self.norm_self(tokens))
        tokens = tokens + self.attend_context(self.norm_context(tokens), context)
        return tokens + self.feed(self.norm_feed(tokens))


class ModulatedBlock(nn.Module):
    """A block of a diffusion transformer with a context (Peebles and Xie, "Scalable Diffusion Models with Transformers", ICCV 2023).

    What the time says shifts, scales and gates the attention of tokens to themselves and the feed-forward network (adaLN).
    """

    def __init__(self, width: int, heads: int, context: int, epsilon: float = 1e-6) -> None:
        super().__init__()
        self.norm_self = Norm(width, eps=epsilon, elementwise_affine=False)
        self.attend_self = Attention(width, heads, bias=True, normed=True)
        self.norm_context = Norm(width, eps=epsilon)
        self.attend_context = Attention(width, heads, context, bias=True)
        self.norm_feed = Norm(width, eps=epsilon, elementwise_affine=False)
        self.feed = FeedForward(width, 4 * width, "tanh")
        self.modulate = nn.Linear(width, 6 * width)

    def forward(self, tokens: Tensor, time: Tensor, context: Tensor) -> Tensor:
        """Tokens [B,T,width], from those, the time's features [B,width] and a context [B,S,context]."""
        shift_self, scale_self, gate_self, shift_feed, scale_feed, gate_feed = self.modulate(F.silu(time))[:, None].chunk(6, dim=-1)
        tokens = tokens + gate_self * self.attend_self(self.norm_self(tokens) * (1 + scale_self) + shift_self)
        tokens = tokens + self.attend_context(self.norm_context(tokens), context)
        return tokens + gate_feed * self.feed(self.norm_feed(tokens) * (1 + scale_feed) + shift_feed)


class PlainBlock(nn.Module):
    """Attention of tokens to themselves, within windows where there are any, and a feed-forward network; norms learn nothing."""

    def __init__(self, width: int, heads: int, epsilon: float = 1e-6) -> None:
        super().__init__()
        self.norm = Norm(width, eps=epsilon, elementwise_affine=False)
        self.attend_self = Attention(width, heads, bias=True)
        self.feed = FeedForward(width, 4 * width, "tanh")

    def forward(self, tokens: Tensor, windows: Windows | None = None) -> Tensor:
        """Tokens [B,T,width]."""
        tokens = tokens + self.attend_self(self.norm(tokens), windows=windows)
        return tokens + self.feed(self.norm(tokens))
