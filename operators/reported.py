"""What goes wrong in an operator, told to who called it."""

from __future__ import annotations

from typing import Any

import bpy

from ..backend.errors import ReifyError
from ..translations import told


def reported(operator: bpy.types.Operator, work: Any) -> set[str]:
    """Do `work`; a ReifyError is shown, or raised as RuntimeError where a script has called the operator."""
    try:
        work()
    except ReifyError as error:
        operator.report({"ERROR"}, told(str(error)))
        return {"CANCELLED"}
    return {"FINISHED"}
