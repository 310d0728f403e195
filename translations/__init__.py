"""The interface in other languages: a table for each, from the English text to the other one.

Labels, tooltips and options find their entry by their text; what panels put together goes through `panels.parts.say`. What errors and
notes of jobs say holds values: `told` finds it by its form. The command line, logs and what is copied for a bug report speak English.
"""

from __future__ import annotations

import functools
import re

import bpy

from .german import GERMAN, GERMAN_MESSAGES

TABLES = {"de_DE": GERMAN}
MESSAGES = {"de_DE": GERMAN_MESSAGES}
DECIMAL_COMMA, SWAPPED = ("de_DE",), str.maketrans(",.", ".,")
FIGURE = re.compile(r"-?\d{1,3}(,\d{3})+|-?\d+\.\d+")  # a number as messages hold them
CONTEXTS = ("*", "Operator")  # labels of buttons are looked up in another context than all else


def told(message: str) -> str:
    """A sentence of the interface, or what an error or a note says, in the user's language."""
    translated: str = bpy.app.translations.pgettext_iface(message)
    return translated if translated != message else in_language(message, _language())


def _language() -> str:
    preferences = bpy.context.preferences
    translates = preferences is not None and preferences.view.use_translate_interface
    return (bpy.app.translations.locale or "") if translates else ""


def number(value: float, digits: int = 3) -> str:
    """A number for people, in the user's language: "81,204" and "27.3", or "81.204" and "27,3"."""
    whole = float(value).is_integer() or abs(value) >= 1000
    english = f"{value:,.0f}" if whole else f"{value:.{digits}g}"
    return english.translate(SWAPPED) if _language() in DECIMAL_COMMA else english


@functools.lru_cache(maxsize=512)
def in_language(message: str, language: str) -> str:
    """What an error or a note says, as the table of that language has it; values in it stay, unless they are messages themselves."""
    for form, translated in _forms(language):
        if match := form.fullmatch(message):
            return translated.format(*(_value(value, language) for value in match.groups()))
    first, stop, rest = message.partition(". ")  # an error's two sentences
    return f"{in_language(first + '.', language)} {in_language(rest, language)}" if stop else message


def _value(value: str, language: str) -> str:
    """What stands in a message: a message itself, or a number."""
    if language in DECIMAL_COMMA and FIGURE.fullmatch(value):
        return value.translate(SWAPPED)
    return in_language(value, language)


@functools.cache
def _forms(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The forms of a language's messages, those that say the most first."""
    table = MESSAGES.get(language, {})
    forms = sorted(table, key=lambda form: -len(form.replace("{}", "")))
    return tuple((re.compile("(.*?)".join(map(re.escape, form.split("{}"))), re.DOTALL), table[form]) for form in forms)


def register() -> None:
    """Hand the tables to Blender."""
    tables = {language: {(context, text): table[text] for context in CONTEXTS for text in table} for language, table in TABLES.items()}
    bpy.app.translations.register(__name__, tables)


def unregister() -> None:
    """Take them back."""
    bpy.app.translations.unregister(__name__)
