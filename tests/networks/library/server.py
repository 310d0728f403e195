"""A web server on this machine that serves one content, well or badly, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What is served, and how."""

    contents: dict[str, bytes]  # by path
    status: int = 200  # of every answer
    breaks_after: int | None = None  # bytes after which the connection is closed, once
    knows_ranges: bool = True
    slowly: threading.Event | None = None  # half of the content is sent before it is set
    patience_s: float = 10.0  # after which the other half is sent all the same
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # path, Range, Authorization
    address: str = ""


@contextmanager
def serving(served: Served) -> Iterator[Served]:
    """Serve at `served.address` as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, served)

        def do_HEAD(self) -> None:
            _answer(self, served)

        def log_message(self, *about: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, served: Served) -> None:
    wanted = handler.headers.get("Range", "")
    served.asked.append((handler.path, wanted, handler.headers.get("Authorization", "")))
    if served.status != 200 or handler.path not in served.contents:
        handler.send_error(served.status if served.status != 200 else 404)
        return
    content = served.contents[handler.path]
    start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and served.knows_ranges else 0
    handler.send_response(206 if start else 200)
    handler.send_header("Content-Length", str(len(content) - start))
    handler.end_headers()
    if handler.command == "HEAD":
        return
    body = content[start:]
    if served.breaks_after is not None:
        body, served.breaks_after = body[: served.breaks_after], None
    half = len(body) // 2 if served.slowly is not None else len(body)
    handler.wfile.write(body[:half])
    handler.wfile.flush()
    if served.slowly is not None:
        served.slowly.wait(served.patience_s)
        handler.wfile.write(body[half:])
