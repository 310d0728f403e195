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


def test_every_error_and_note_of_a_job_has_its_german():
    from reify.tests.translations.strings import messages
    from reify.translations import in_language

    missing = sorted(form for form in messages() if in_language(form, "de_DE") == form)
    assert not missing, "translations/german.py lacks: " + "\n".join(map(repr, missing))


def test_messages_are_found_by_their_form_and_keep_their_values():
    from reify.translations import in_language

    gone = "/photos/fox isn't there any more. Choose the sources again."
    assert in_language(gone, "de_DE") == "/photos/fox ist nicht mehr da. Die Quellen neu wählen."
    inner = "The mesh got no UVs: The mesh has no faces."
    assert in_language(inner, "de_DE") == "Das Mesh bekam keine UVs: Das Mesh hat keine Flächen."
    assert in_language("2 of 9 photos couldn't be placed: a, b.", "de_DE").startswith("2 von 9 Fotos ließen sich nicht platzieren: a, b")
    assert in_language("Nobody has said this.", "de_DE") == "Nobody has said this."
    assert in_language(gone, "fr_FR") == gone


def test_messages_name_no_value_that_isnt_there():
    from reify.translations.german import GERMAN_MESSAGES

    for form, german in GERMAN_MESSAGES.items():
        used = {int(field) for _, field, _, _ in string.Formatter().parse(german) if field}
        assert used <= set(range(form.count("{}"))), form


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


def test_every_reason_for_leaving_something_out_has_its_german():
    from reify.backend.capture import roles
    from reify.translations import in_language

    reasons = [*roles.WORDS, roles.COPIES, roles.STRAY, roles.LIVE, roles.TWINS, roles.VIDEOS, roles.UNREAD, roles.OTHERS]
    assert not [reason for reason in reasons if in_language(f"3 {reason}", "de_DE") == f"3 {reason}"]


def test_what_is_said_of_weak_photos_is_german_whole():
    from reify.backend.capture import quality
    from reify.translations import in_language

    for what in quality.ADVICE:
        (said,) = quality.sentences([("a.jpg", what)], 9)
        german = in_language(said, "de_DE")
        assert what not in german and "Photos" not in german and "eave them out" not in german, german
        assert what not in in_language(f"2 photos that are {what}", "de_DE")


def test_numbers_are_written_as_the_language_writes_them(monkeypatch):
    import reify.translations as translations

    assert (translations.number(81204), translations.number(27.31), translations.number(1234.5)) == ("81,204", "27.3", "1,234")
    monkeypatch.setattr(translations, "_language", lambda: "de_DE")
    assert (translations.number(81204), translations.number(27.31), translations.number(1234.5)) == ("81.204", "27,3", "1.234")
    said = "1,204 of 81,204 splats in fox.2.5.ply are broken (not a number, or infinite) and were left out."
    german = translations.in_language(said, "de_DE")
    assert german.startswith("1.204 von 81.204 Splats in fox.2.5.ply"), "names of files keep their dots"


def test_what_operators_report_goes_through_the_translation():
    import ast

    from reify.tests.translations.strings import ROOT

    english = []
    for path in sorted((ROOT / "operators").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "report":
                english += [f"{path.name}:{node.lineno}" for told in node.args[1:] if isinstance(told, (ast.Constant, ast.JoinedStr))]
    assert not english, f"Blender shows reports as they are: put told() around {english}"
