"""What holds for all tests of this room."""

from ..progress import fractions_that_never_fall  # noqa: F401
