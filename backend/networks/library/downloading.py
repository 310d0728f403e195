"""One file by HTTPS: resumed where it broke off, canceled at once, with its problems in a user's words.

Proxies come from the environment or the system, as urllib knows them. What is fetched is checked by whoever asked for it.
"""

from __future__ import annotations

import os
import queue
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import ReifyError
from ...files import refusal
from ...jobs.job import Job
from .entry import Hub, Web
from .places import hub_home

READ_BYTES = 1 << 18
QUEUED = 16  # blocks that are read ahead of the disk
TICK_S = 0.2  # between two looks at Cancel
TIMEOUT_S = 20.0  # without a byte
SPARE = 64 << 20  # bytes of the disk that stay free
HUB = "https://huggingface.co"


class Refused(Exception):
    """A mirror that doesn't give the file; another one may."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what} {fix}")
        self.what = what
        self.fix = fix


def download(mirror: Web | Hub, partial: Path, size: int, *, job: Job) -> None:
    """Append to `partial` what a file of `size` bytes lacks, from its mirror.

    What was written stays whatever happens, and the next call goes on from there. Raises Refused where the mirror doesn't answer with
    the file, Cancelled, and ReifyError where the disk is full.
    """
    addresses, piece, headers = _addressed(mirror)
    piece = piece or size
    check_room(partial.parent, size - _size(partial))
    while (have := _size(partial)) < size:
        number, start = divmod(have, piece)
        _fetch(addresses[number], start, partial, (have, size), headers, mirror.name, job)
        if _size(partial) == have:
            raise Refused(f"{mirror.name} sent nothing.", "Try again later.")


def length_of(mirror: Web | Hub, *, job: Job) -> int:
    """The bytes that a mirror says a file of one piece has; raises Refused where it doesn't say, and Cancelled."""
    (address, *_), _, headers = _addressed(mirror)
    request = urllib.request.Request(address, headers={"User-Agent": "reify"}, method="HEAD")
    for key, value in headers.items():
        request.add_unredirected_header(key, value)
    blocks = _Blocks(request)
    try:
        blocks.next(job)
    except urllib.error.HTTPError as error:
        raise _refused(error, mirror.name) from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise Refused(f"{mirror.name} can't be reached: {reason}.", "Check the network and the proxy, or import the files.") from error
    finally:
        blocks.close()
    if not blocks.length:
        raise Refused(f"{mirror.name} doesn't say how large the file is.", "Import the file.")
    return blocks.length


def check_room(folder: Path, size: int) -> None:
    """Raise ReifyError where the disk of `folder` hasn't `size` bytes left, and a little more."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    if free < size + SPARE:
        what = f"The weights need {size / 1e6:.0f} MB, and {free / 1e6:.0f} MB are free in {existing}."
        raise ReifyError(what, "Free some space, and get them again.")


def _addressed(mirror: Web | Hub) -> tuple[tuple[str, ...], int, Mapping[str, str]]:
    """The addresses of a mirror's pieces, the bytes of a piece, and what is sent to that host alone."""
    if isinstance(mirror, Web):
        return mirror.addresses, mirror.piece_bytes, {}
    token = _token()
    endpoint = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return (f"{endpoint}/{mirror.repository}/resolve/{mirror.revision}/{mirror.path}",), 0, headers


def _token() -> str:
    if token := os.environ.get("HF_TOKEN"):
        return token.strip()
    with suppress(OSError):
        return (hub_home() / "token").read_text(encoding="utf-8").strip()
    return ""


def _fetch(address: str, start: int, partial: Path, whole: tuple[int, int], headers: Mapping[str, str], name: str, job: Job) -> None:
    """Append one piece from its byte `start` on; where the server begins at its first byte, that much is skipped."""
    have, size = whole
    request = urllib.request.Request(address, headers={"User-Agent": "reify", **({"Range": f"bytes={start}-"} if start else {})})
    for key, value in headers.items():
        request.add_unredirected_header(key, value)  # a token is for the hub, not for where it sends us
    blocks = _Blocks(request)
    try:
        skip = 0
        with partial.open("ab") as stream:
            while block := blocks.next(job):
                if blocks.began_anew and start:
                    skip, start = start, 0
                kept = block[skip:]
                skip = max(0, skip - len(block))
                if have + len(kept) > size:
                    raise Refused(f"{name} sent more than the file's {size} bytes.", "Try again later.")
                stream.write(kept)
                have += len(kept)
                job.progress(have / size, f"{have / 1e6:.0f} of {size / 1e6:.0f} MB from {name}")
    except urllib.error.HTTPError as error:
        raise _refused(error, name) from error
    except OSError as error:
        if isinstance(error, (urllib.error.URLError, TimeoutError, ConnectionError)) or error.errno is None:
            reason = getattr(error, "reason", error)
            raise Refused(f"{name} can't be reached: {reason}.", "Check the network and the proxy, or import the files.") from error
        raise refusal(partial, error) from error
    finally:
        blocks.close()


def _refused(error: urllib.error.HTTPError, name: str) -> Refused:
    if error.code in (401, 403):
        return Refused(
            f"{name} gives the weights only to accounts that have accepted its terms ({error.code}).",
            "Accept them there, and set HF_TOKEN to an access token of that account.",
        )
    if error.code == 404:
        return Refused(f"{name} doesn't have the file any more (404).", "Import it, or update Reify.")
    return Refused(f"{name} answered with an error: {error.code} {error.reason}.", "Try again later.")


class _Blocks:
    """The body of an answer, read by a thread, so that nobody who waits for it waits for the network."""

    def __init__(self, request: urllib.request.Request) -> None:
        self.began_anew = False  # the server ignores from where on was asked
        self.length = 0  # bytes that the answer is said to have
        self._request = request
        self._blocks: queue.Queue[bytes | BaseException] = queue.Queue(QUEUED)
        self._closed = threading.Event()
        threading.Thread(target=self._read, name="reify-download", daemon=True).start()

    def next(self, job: Job) -> bytes:
        """The next block, empty at the end; raises what the network raised, and Cancelled."""
        while True:
            job.tick()
            with suppress(queue.Empty):
                found = self._blocks.get(timeout=TICK_S)
                if isinstance(found, BaseException):
                    raise found
                return found

    def close(self) -> None:
        """End the thread at its next block."""
        self._closed.set()

    def _read(self) -> None:
        try:
            with urllib.request.urlopen(self._request, timeout=TIMEOUT_S) as answer:
                self.began_anew = answer.status != 206
                self.length = int(answer.headers.get("Content-Length") or 0)
                while not self._closed.is_set():
                    block: bytes = answer.read1(READ_BYTES)
                    self._put(block)
                    if not block:
                        return
        except BaseException as error:
            self._put(error)

    def _put(self, item: Any) -> None:
        while not self._closed.is_set():
            with suppress(queue.Full):
                return self._blocks.put(item, timeout=TICK_S)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
