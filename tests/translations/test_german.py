"""Blender in German: nothing of Reify is left in English."""

from __future__ import annotations

import re
import string

import pytest

pytestmark = pytest.mark.blender


@pytest.fixture(scope="module")
def shown() -> set[str]:
    import bpy
    import reify
    from reify.tests.translations.strings import all_strings

    reify.register()
    assert bpy.context.scene.reify.seed == 0  # makes the properties
    yield all_strings()
    reify.unregister()


def test_every_label_tooltip_and_option_has_its_german(shown):
    from reify.translations.german import GERMAN

    missing = sorted(shown - set(GERMAN))
    assert not missing, "translations/german.py lacks: " + "\n".join(map(repr, missing))
    assert len(shown) > 300, "the search for strings finds too few"


def test_translations_keep_the_places_where_values_go():
    from reify.translations.german import GERMAN

    for english, german in GERMAN.items():
        fields = [sorted(field for _, field, _, _ in string.Formatter().parse(text) if field) for text in (english, german)]
        assert fields[0] == fields[1], english
        assert german.strip() == german and german, english
        assert english.endswith(".") == german.endswith(".") or english.endswith(":"), english


def test_blender_shows_german_where_the_user_has_chosen_it(shown):
    import bpy
    from reify.panels.parts import say

    view = bpy.context.preferences.view
    before = view.language, view.use_translate_interface
    try:
        try:
            view.language = "de_DE"
        except TypeError:
            pytest.skip("this Blender has no languages but English")
        view.use_translate_interface = True
        assert say("{time} left", time="5 s") == "noch 5 s"
        assert bpy.app.translations.pgettext_iface("Generate", "Operator") == "Erzeugen"
    finally:
        view.language, view.use_translate_interface = before
    assert say("{time} left", time="5 s") == "5 s left"


def test_tables_hold_no_english_by_mistake():
    from reify.translations.german import GERMAN

    english_words = re.compile(r"\b(the|and|with|which|where|from)\b", re.IGNORECASE)
    assert not [german for german in GERMAN.values() if english_words.search(german)]
