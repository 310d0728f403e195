"""The one exception that users see: what went wrong, and what they can do about it."""

from __future__ import annotations


class ReifyError(Exception):
    """A problem that the user can understand and act on.

    `what` is one sentence about what went wrong, `fix` one sentence with the way out. It is raised
    where the problem is known and shown once, at the edge: in the panel or on the command line.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(f"{what} {fix}".strip())
        self.what = what
        self.fix = fix


class Cancelled(Exception):
    """The user canceled the job; it isn't an error, and nothing that was finished is lost."""
