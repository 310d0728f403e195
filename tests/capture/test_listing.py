from hypothesis import given
from hypothesis import strategies as st
from reify.backend.capture.listing import distinct, shortened
from reify.backend.capture.order import natural_key


def test_numbers_count_as_numbers():
    names = ["img10.jpg", "img9.jpg", "Img1.jpg", "10.jpg", "9.jpg", "a/2.jpg", "a.jpg"]
    assert sorted(names, key=natural_key) == ["9.jpg", "10.jpg", "a.jpg", "a/2.jpg", "Img1.jpg", "img9.jpg", "img10.jpg"]


@given(st.lists(st.text(max_size=12)))
def test_every_name_has_a_place(names):
    assert sorted(reversed(names), key=natural_key) == sorted(names, key=natural_key)


def test_copies_are_told_by_their_bytes_and_not_by_their_size(tmp_path):
    contents = {"a": b"one", "b": b"two", "c": b"one", "d": b"three"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    said: list[str] = []
    kept = distinct([tmp_path / name for name in (*contents, "a")], lambda *_: None, said.append)
    assert [path.name for path in kept] == ["a", "b", "d"]
    assert len(said) == 1 and "c of a" in said[0] and said[0].startswith("1 photo was")


def test_long_lists_are_shortened():
    assert list(shortened(["a", "b", "c"], "letters", most=2)) == ["a", "b", "1 more letters."]
    assert list(shortened(["a", "b"], "letters", most=2)) == ["a", "b"]
