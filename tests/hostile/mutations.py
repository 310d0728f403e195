"""Files as disks, programs and people break them, and as somebody would who means harm: one change or a few, by a seed."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

import numpy as np

NUMBERS = (-1, 0, 1, 127, 255, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 10**9, 2**63 - 1, 2**63)
WORDS = (
    b"-1",
    b"0",
    b"1e9",
    b"9223372036854775808",
    b"nan",
    b"NaN",
    b"inf",
    b"1e999",
    b"-1e400",
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"a"',
    b"1" * 400,
)
NAMES = (
    b"a" * 300,
    b"a\0b",
    b"../../../../etc/passwd",
    b"/etc/passwd",
    b"\\\\\\\\host\\\\share\\\\a.png",
    b"//host/share/a.png",
    b"\xff\xfe\xfd",
    b"",
)
DEEP = (b"[" * 5000, b'{"a":' * 5000, b"(" * 5000, b"<g>" * 5000)
Mutation = Callable[[bytearray, np.random.Generator], bytes]


def mutated(data: bytes, seed: int) -> bytes:
    """The data with one to four changes that follow from the seed."""
    rng = np.random.default_rng(seed)
    for _ in range(rng.integers(1, 5)):
        data = MUTATIONS[rng.integers(len(MUTATIONS))](bytearray(data), rng)
    return data


def _at(data: bytes | bytearray, rng: np.random.Generator) -> int:
    """A place in the data, in one of two cases in its first 400 bytes, where headers are."""
    return int(rng.integers(0, max(1, min(len(data), 400 if rng.random() < 0.5 else len(data)))))


def flip_bits(data: bytearray, rng: np.random.Generator) -> bytes:
    for _ in range(rng.integers(1, 9)):
        if data:
            data[_at(data, rng)] ^= 1 << int(rng.integers(8))
    return bytes(data)


def set_bytes(data: bytearray, rng: np.random.Generator) -> bytes:
    at = _at(data, rng)
    data[at : at + 4] = rng.integers(0, 256, 4).astype(np.uint8).tobytes()
    return bytes(data)


def put_number(data: bytearray, rng: np.random.Generator) -> bytes:
    number = NUMBERS[rng.integers(len(NUMBERS))]
    kind = "<>"[rng.integers(2)] + "HIQ"[rng.integers(3)]
    packed = struct.pack(kind, number % (1 << 8 * struct.calcsize(kind)))
    at = _at(data, rng)
    data[at : at + len(packed)] = packed
    return bytes(data)


def put_float(data: bytearray, rng: np.random.Generator) -> bytes:
    at = _at(data, rng)
    packed = struct.pack("<f" if rng.random() < 0.5 else "<d", (np.nan, np.inf, -np.inf, 3e38, 0.0)[rng.integers(5)])
    data[at : at + len(packed)] = packed
    return bytes(data)


def cut_off(data: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(data[: _at(data, rng)])


def cut_out(data: bytearray, rng: np.random.Generator) -> bytes:
    at = _at(data, rng)
    del data[at : at + int(rng.integers(1, 200))]
    return bytes(data)


def repeat(data: bytearray, rng: np.random.Generator) -> bytes:
    at = _at(data, rng)
    part = data[at : at + int(rng.integers(1, 200))]
    return bytes(data[:at] + part * int(rng.integers(2, 20)) + data[at:])


def insert(data: bytearray, rng: np.random.Generator) -> bytes:
    at = _at(data, rng)
    more = (rng.integers(0, 256, int(rng.integers(1, 64))).astype(np.uint8).tobytes(), DEEP[rng.integers(len(DEEP))])[
        int(rng.random() < 0.2)
    ]
    return bytes(data[:at] + more + data[at:])


def odd_word(data: bytearray, rng: np.random.Generator) -> bytes:
    """One of the numbers in a text, changed."""
    return _replaced(data, rng, rb"-?\d+(\.\d+)?([eE][-+]?\d+)?", WORDS)


def odd_name(data: bytearray, rng: np.random.Generator) -> bytes:
    """One of the quoted words in a text, or of the words that look like files, changed."""
    return _replaced(data, rng, rb'(?<=")[^"\n]{1,200}(?=")|[\w./-]+\.\w{2,4}', NAMES)


def _replaced(data: bytearray, rng: np.random.Generator, pattern: bytes, others: tuple[bytes, ...]) -> bytes:
    found = list(re.finditer(pattern, bytes(data[: 1 << 16])))
    if not found:
        return flip_bits(data, rng)
    match = found[rng.integers(len(found))]
    return bytes(data[: match.start()] + others[rng.integers(len(others))] + data[match.end() :])


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits, set_bytes, put_number, put_float, cut_off, cut_out, repeat, insert, odd_word, odd_word, odd_name,
)  # fmt: skip
