"""What of the user's pip settings holds for installing: how the network is reached, and never from where else packages come.

Proxies, certificates, timeouts and a mirror in place of the package index are taken over from the environment and from pip's files.
Further indexes, folders of wheels, constraints and targets are not: with them somebody else's package could be installed.
"""

from __future__ import annotations

import ast
import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TAKEN_OVER = ("index-url", "proxy", "cert", "client-cert", "trusted-host", "timeout", "default-timeout", "retries", "keyring-provider")
SECTIONS = ("global", "install")
LONGEST_S = 30.0


def environment(python: str, child: Path, *, proven: bool = False) -> dict[str, str]:
    """The environment for a pip run by `python`, with what holds of the user's settings; `child` is the script that finds pip.

    Where hosts must be `proven`, none is trusted without a good certificate.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    settings = {**_from_files(python, child), **{name: value for name in TAKEN_OVER if (value := os.environ.get(_variable(name)))}}
    if proven:
        settings.pop("trusted-host", None)
    return {**kept, **{_variable(name): value for name, value in settings.items()}, "PIP_CONFIG_FILE": os.devnull}


def _from_files(python: str, child: Path) -> Mapping[str, str]:
    """What pip's own files say of these settings; nothing where pip doesn't tell."""
    command = [python, "-s", str(child), "pip", "config", "list"]
    streams: dict[str, Any] = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    with subprocess.Popen(command, **streams, text=True, encoding="utf-8", errors="replace", env=environment, creationflags=hidden) as told:
        assert told.stdout is not None  # its input stays open meanwhile, at whose end it ends
        limit = threading.Timer(LONGEST_S, told.kill)
        limit.start()
        said = told.stdout.read()
        limit.cancel()
    found: dict[str, str] = {}
    for line in said.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.partition(".")
        if section in SECTIONS and name in TAKEN_OVER:
            try:
                found[name] = str(ast.literal_eval(value))
            except (SyntaxError, ValueError):
                continue
    return found


def _variable(name: str) -> str:
    return f"PIP_{name.upper().replace('-', '_')}"
