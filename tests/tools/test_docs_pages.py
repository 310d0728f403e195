"""What the pages lead to and quote is there: links, pictures, sentences, labels, commands, flags, job files."""

from __future__ import annotations

import ast
import functools
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from reify import cli, dev
from reify.backend.engine.explain import CAUSES
from reify.farm.job_file import read_order

ROOT = Path(__file__).resolve().parents[2]
PAGES = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
ROOMS = ("backend", "farm", "operators", "panels", "scene", "session", "translations")
HEADED = ("CHANGELOG", "CONTRIBUTING", "meshes", "rasterizer", "settings", "surfaces")  # where bold words are headings
PROGRAMS = ("reify", "blender --background --command reify", "python3 dev.py")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_the_links_and_pictures_of_the_pages_are_there() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text_of(page)):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_first_page_leads_to_every_other() -> None:
    first = text_of(ROOT / "docs" / "index.md")
    linked = re.findall(r"\]\((\w+\.md)\)", first)
    assert sorted(linked) == sorted(page.name for page in PAGES if page.parent.name == "docs" and page.name != "index.md")


def test_every_picture_is_shown_somewhere() -> None:
    text = "".join(text_of(page) for page in PAGES)
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert f"pictures/{picture.name}" in text, picture.name


def blanked(sentence: str) -> str:
    """A sentence with one … wherever values go, without its period."""
    return re.sub(r"\s*…(\s*…)*\s*", "…", sentence).rstrip(".")


@functools.cache
def strings() -> frozenset[str]:
    """Every string in the code, blanked."""
    files = (*ROOT.glob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py")))
    return frozenset(blanked(string) for path in files for string in _strings(ast.parse(text_of(path))))


def _strings(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield re.sub(r"\{\w*\}", "…", node.value)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _strings(child)


def quoted() -> list[str]:
    """What the page of troubles quotes, blanked where it is in italics."""
    found = re.findall(r"^> (.+)$", text_of(ROOT / "docs" / "troubleshooting.md"), re.MULTILINE)
    return [blanked(re.sub(r"\*[^*]+\*", "…", sentence)) for sentence in found]


def test_what_reify_is_said_to_say_stands_in_the_code() -> None:
    assert not [sentence for sentence in quoted() if sentence not in strings()]
    assert len(quoted()) > 60


def test_whatever_can_stop_an_installation_is_explained() -> None:
    assert not {blanked(re.sub(r"\{\w+\}", "…", what)) for _pattern, what, _fix in CAUSES} - {*quoted()}


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem not in HEADED], ids=lambda page: page.stem)
def test_what_is_set_in_bold_is_a_label(page: Path) -> None:
    labels = {re.sub(r" \(\S+\)$", "", string) for string in strings()}  # "Max voxels (million)": the unit isn't part of the name
    bold = [label for words in re.findall(r"\*\*(.+?)\*\*", text_of(page), re.DOTALL) for label in " ".join(words.split()).split(" › ")]
    assert bold
    assert not sorted(set(bold) - labels)


def commands() -> Iterator[tuple[str, list[str]]]:
    """The commands in the pages' blocks, as words; what follows two spaces is an explanation."""
    for page in PAGES:
        for line in re.findall(r"^    (\S.*)$", text_of(page), re.MULTILINE):
            command = re.split(r"\s{2,}", line)[0]
            for program in PROGRAMS:
                if command.startswith(f"{program} ") and not command.endswith("…"):
                    yield program, shlex.split(command.removeprefix(program))


def test_every_command_is_one_that_is_understood() -> None:
    found = list(commands())
    for program, words in found:
        if program == "python3 dev.py":
            assert words[0] in dev.COMMANDS, words
        if words[0] in ("run", "batch", "demo", "self-test"):
            assert cli.parser().parse_args(cli._spelled_out(words)).command, words
    assert {program for program, _ in found} == {*PROGRAMS}


def test_every_flag_exists() -> None:
    known = "".join(text_of(path) for path in (ROOT / "dev.py", ROOT / "cli.py", *(ROOT / "tools").glob("*.py")))
    known += text_of(ROOT / "docs" / "settings.md")
    flags = {flag for page in PAGES for flag in re.findall(r"`(--[a-z][a-z0-9-]+)", text_of(page))}
    assert not sorted(flag for flag in flags if not re.search(f'["`]{flag}["`]', known))


def test_the_job_files_in_the_pages_can_be_read(tmp_path: Path) -> None:
    blocks = [block for page in PAGES for block in re.findall(r"```json\n(.+?)```", text_of(page), re.DOTALL)]
    for block in blocks:
        (tmp_path / "job.json").write_text(block, encoding="utf-8")
        order = read_order(tmp_path / "job.json")
        assert {**json.loads(block)["settings"]}.items() <= order.settings.items()
    assert blocks
