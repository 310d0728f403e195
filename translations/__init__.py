"""The interface in other languages: a table for each, from the English text to the other one.

Labels, tooltips and options find their entry by their text; what panels put together goes through `panels.parts.say`.
Names of files and settings, messages of errors and notes of jobs stay in English: they are what one searches for.
"""

from __future__ import annotations

import bpy

from .german import GERMAN

TABLES = {"de_DE": GERMAN}
CONTEXTS = ("*", "Operator")  # labels of buttons are looked up in another context than all else


def register() -> None:
    """Hand the tables to Blender."""
    tables = {language: {(context, text): table[text] for context in CONTEXTS for text in table} for language, table in TABLES.items()}
    bpy.app.translations.register(__name__, tables)


def unregister() -> None:
    """Take them back."""
    bpy.app.translations.unregister(__name__)
