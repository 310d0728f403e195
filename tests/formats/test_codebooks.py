import numpy as np
from reify.backend.formats.codebooks import codebook_of, nearest_of, palette_of


def test_a_codebook_of_normal_values_is_near_the_best_one():
    values = np.random.default_rng(0).normal(size=100_000)
    codebook = codebook_of(values, 256)
    found = codebook[nearest_of(codebook, values)]
    best = np.sqrt(3) * np.pi / 2 / 256**2  # the error of the best quantizer of normal values (Panter and Dite 1951)
    assert np.square(found - values).mean() < 1.15 * best
    assert codebook[0] <= values.min() + 1e-3 and codebook[-1] >= values.max() - 1e-3 and (np.diff(codebook) >= 0).all()


def test_few_values_and_equal_ones_are_kept():
    for values in (np.array([0.25]), np.full(9, -3.0), np.array([1.0, 2.0, 4.0])):
        codebook = codebook_of(values)
        assert np.allclose(codebook[nearest_of(codebook, values)], values, atol=1e-3)


def test_every_row_gets_an_entry_of_the_palette_that_is_near_it():
    rng = np.random.default_rng(1)
    centers = rng.normal(size=(300, 9)).astype(np.float32)
    rows = centers[rng.integers(0, 300, 20_000)] + 0.01 * rng.normal(size=(20_000, 9)).astype(np.float32)
    palette, number = palette_of(rows, 1024)
    assert len(palette) <= 1024 and number.min() >= 0 and number.max() < len(palette)
    assert np.sqrt(np.square(palette[number] - rows).mean()) < 0.1


def test_no_more_rows_than_entries_are_the_palette_themselves():
    rows = np.random.default_rng(2).normal(size=(50, 9)).astype(np.float32)
    palette, number = palette_of(rows, 64)
    assert np.array_equal(palette[number], rows)
