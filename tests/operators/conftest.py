"""Operators are tested with the session's scene and method."""

from __future__ import annotations

from reify.tests.session.conftest import quick_method, scene

__all__ = ["quick_method", "scene"]
