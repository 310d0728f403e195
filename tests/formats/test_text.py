import pytest
from reify.backend.formats.text import printable, read_text, readings

TEXT = '{"frames": [{"file_path": "images/ä 照片.jpg"}]}\n' * 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_read_with_and_without_a_byte_order_mark(tmp_path, encoding):
    (tmp_path / "a.json").write_bytes(TEXT.encode(encoding))
    assert read_text(tmp_path / "a.json") == TEXT


@pytest.mark.parametrize("encoding", ["gb18030", "cp932", "cp949", "big5", "cp1252"])
def test_other_encodings_are_among_the_readings(tmp_path, encoding):
    name = {"cp1252": "Füße", "cp949": "사진"}.get(encoding, "日本")
    (tmp_path / "a.txt").write_bytes(b"1 " + name.encode(encoding) + b".jpg")
    assert f"1 {name}.jpg" in readings(read_text(tmp_path / "a.txt"))


def test_sound_text_has_one_reading_and_broken_text_can_be_shown():
    assert readings("ä") == ("ä",) and printable("ä") == "ä"
    assert printable(b"\xff\xfe\xff 1".decode("utf-8", "surrogateescape")).encode("utf-8")
