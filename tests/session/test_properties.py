from __future__ import annotations

import math

import pytest

pytestmark = pytest.mark.blender


def test_every_setting_has_a_property_with_its_tooltip_limits_and_default(scene):
    from reify.backend import settings as settings_of
    from reify.backend.methods import all_methods
    from reify.session.properties import group_of, property_name

    for method in all_methods().values():
        group = group_of(scene, method)
        for option in settings_of.options(method.settings):
            found = group.bl_rna.properties[property_name(option)]
            assert found.description == option.help
            if option.kind in (int, float) and option.low is not None:
                low = math.radians(option.low) if option.unit == "°" else option.low
                assert found.hard_min == pytest.approx(low)
            if option.choices:
                assert [item.identifier for item in found.enum_items] == list(option.choices)


def test_untouched_properties_are_exactly_the_first_preset(scene):
    from reify.backend.methods import all_methods
    from reify.session.properties import changed, group_of, read_settings

    for method in all_methods().values():
        group = group_of(scene, method)
        assert read_settings(method, group) == method.preset(next(iter(method.presets)))
        assert changed(method, group) == ()


def test_choosing_a_preset_sets_its_values_and_what_is_changed_after_is_known(scene):
    from reify.backend.methods import all_methods
    from reify.session.properties import changed, group_of, read_settings

    method = all_methods()["photos"]
    group = group_of(scene, method)
    for name in method.presets:
        group.preset = name
        assert read_settings(method, group) == method.preset(name)
    group.mesh__faces = 1234
    assert [option.path for option in changed(method, group)] == ["mesh.faces"]


def test_numbers_of_enums_are_unique_and_survive_the_interfaces_float32(scene):
    import bpy
    import numpy as np
    from reify.backend.methods import all_methods

    groups = [getattr(scene.reify, name) for name in all_methods()]
    owners = [scene.reify, scene.reify_convert, *groups, *(getattr(bpy.ops.reify, verb).get_rna_type() for verb in dir(bpy.ops.reify))]
    enums = [found for owner in owners for found in getattr(owner, "bl_rna", owner).properties if found.type == "ENUM"]
    assert len(enums) > 20
    for found in enums:
        numbers = [item.value for item in found.enum_items]
        assert len(set(numbers)) == len(numbers) and [int(np.float32(value)) for value in numbers] == numbers, found.identifier


def test_settings_are_found_by_a_word_and_a_group_goes_back_to_its_preset(scene):
    import bpy
    from reify.backend.methods import all_methods
    from reify.session.properties import changed, found, group_of

    method = all_methods()["photos"]
    group = group_of(scene, method)
    assert "mesh.faces" in [option.path for option in found(method, "FACES")]
    label = next(option.label for option in found(method, "") if option.path == "mesh.faces")
    assert "mesh.faces" in [option.path for option in found(method, "dreiecke", lambda text: "Dreiecke" if text == label else text)]
    assert found(method, "no such word") == ()
    group.preset = "Preview"
    group.mesh__faces, group.training__sh_degree = 1234, 1
    titles = {option.path: option.group for option in changed(method, group)}
    bpy.ops.reify.reset_group(method="photos", group=titles["mesh.faces"])
    assert [option.path for option in changed(method, group)] == ["training.sh_degree"]


def test_presets_are_listed_from_short_to_long(scene):
    names = [item.identifier for item in scene.reify.photos.bl_rna.properties["preset"].enum_items]
    assert names.index("Preview") < names.index("Standard") < names.index("High")
    assert scene.reify.photos.preset == "Standard"


def test_files_and_folders_are_listed_once(scene, tmp_path):
    import bpy

    (tmp_path / "a.jpg").touch()
    for _ in range(2):
        bpy.ops.reify.add_files(directory=str(tmp_path), files=[{"name": "a.jpg"}])
        bpy.ops.reify.add_folder(directory=str(tmp_path))
    sources = scene.reify.photos.sources
    assert [source.label for source in sources] == ["a.jpg", tmp_path.name]
    bpy.ops.reify.remove_source(index=0)
    assert [source.label for source in sources] == [tmp_path.name]
    bpy.ops.reify.remove_source()
    assert not sources


def test_images_of_the_file_become_files(scene):
    import bpy
    from reify.session.sources import paths_of

    bpy.data.images.new("Painted", 8, 8).pack()
    bpy.ops.reify.add_image(name="Painted")
    (path,) = paths_of(scene.reify.photos)
    assert path.is_file() and path.suffix == ".png"
