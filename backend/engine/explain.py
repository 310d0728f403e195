"""pip's complaints as one sentence each, with the way out."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import ReifyError

# The first that matches counts: a missing network also ends as "no matching distribution".
CAUSES = (
    (
        r"No space left on device|Errno 28|not enough space on the disk",
        "The disk filled up while the engine was being installed in {folder}.",
        "Free some space there, and install again.",
    ),
    (
        r"Permission denied|Errno 13|Access is denied|Read-only file system",
        "The engine can't be written to {folder}.",
        "Allow writing there, and install again.",
    ),
    (
        r"ProxyError|Cannot connect to proxy|407 Proxy|Tunnel connection failed",
        "The proxy refuses the connection.",
        "Set HTTPS_PROXY, with name and password where it wants them, before Blender starts, or install from a folder of wheels.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError",
        "The connection isn't trusted: a certificate couldn't be verified.",
        "Set PIP_CERT to your network's certificate file before Blender starts, or install from a folder of wheels.",
    ),
    (
        r"NewConnectionError|Failed to establish a new connection|NameResolutionError|Name or service not known|getaddrinfo failed"
        r"|Temporary failure in name resolution|ConnectTimeout|Read timed out|Network is unreachable|IncompleteRead|Connection broken",
        "The network isn't there, or it broke off.",
        "Connect, and install again: what was downloaded is kept; or install from a folder of wheels.",
    ),
    (
        r"DO NOT MATCH THE HASHES|invalid wheel|Wheel .* is invalid|not a valid wheel|Bad CRC|BadZipFile|File is not a zip file",
        "A downloaded package is damaged.",
        "Install again; in a folder of wheels, replace the file that the log names.",
    ),
    (
        r"No matching distribution found for (?P<package>[\w.=+-]+)",
        "There is no {package} for this Python and system.",
        "Use a Blender from blender.org of a version that Reify supports; a folder of wheels must hold the files for this very system.",
    ),
    (
        r"ResolutionImpossible|conflicting dependencies",
        "The pinned packages don't fit Blender's own numpy.",
        "Use a Blender from blender.org of a version that Reify supports, and report this with the log.",
    ),
    (
        r"No module named pip|There is no pip",
        "This Python has no pip.",
        "Install your distribution's package python3-pip, or use a Blender from blender.org.",
    ),
)


def explained(output: str, folder: Path, log: Path) -> ReifyError:
    """The error that belongs to what pip printed before it gave up."""
    for pattern, what, fix in CAUSES:
        if match := re.search(pattern, output):
            found = {key: value for key, value in match.groupdict().items() if value}
            return ReifyError(what.format(folder=folder, **found), fix)
    said = [line.removeprefix("ERROR: ").strip() for line in output.splitlines() if line.startswith("ERROR")]
    last = said[-1].rstrip(".") if said else "pip ended without a word"
    return ReifyError(f"The installation failed: {last}.", f"The log tells more: {log}")


def from_os(error: OSError, folder: Path) -> ReifyError:
    """The error that belongs to what the system says about our own files."""
    for pattern, what, fix in CAUSES[:2]:
        if re.search(pattern, str(error)):
            return ReifyError(what.format(folder=folder), fix)
    return ReifyError(f"{folder} can't be used: {error}.", "Check the disk, and install again.")
