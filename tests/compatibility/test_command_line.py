"""Scripts that call the command line keep working."""

from __future__ import annotations

import argparse
import json

import pytest
from reify import cli
from reify.farm.job_file import read_order
from reify.tests.compatibility.conftest import FILES

FLAGS = json.loads((FILES / "command_line.json").read_text(encoding="utf-8"))


def _commands(parser: argparse.ArgumentParser, path: str = "") -> dict[str, argparse.ArgumentParser]:
    found = {path: parser}
    for action in parser._actions:
        for name, inner in action.choices.items() if isinstance(action, argparse._SubParsersAction) else ():
            found |= _commands(inner, f"{path} {name}".strip())
    return found


COMMANDS = _commands(cli.parser())


@pytest.mark.parametrize("command", FLAGS)
def test_every_flag_is_still_taken_with_each_of_its_choices(command: str) -> None:
    assert command in COMMANDS
    known = {flag: action for action in COMMANDS[command]._actions for flag in action.option_strings}
    for flag, choices in FLAGS[command].items():
        assert flag in known, f"{command} {flag}"
        if choices is not None:
            assert set(choices) <= set(known[flag].choices or choices), f"{command} {flag}"


@pytest.mark.parametrize("command", [command for command in FLAGS if command.startswith("run ") and command != "run job"])
def test_a_job_can_be_ordered_with_each_of_the_choices(command: str, tmp_path) -> None:
    method = command.removeprefix("run ")
    for flag, choices in FLAGS[command].items():
        for choice in choices or ():
            file = tmp_path / "job.json"
            assert cli.main(["run", method, "fox", "-o", "mesh.glb", flag, choice, "--save-job", str(file)]) == cli.DONE, f"{flag} {choice}"
            assert read_order(file).method == method
