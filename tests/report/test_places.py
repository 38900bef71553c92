import numpy as np

from humanlike.canonical.parts import face_parts
from humanlike.report.places import attention_by_part, where, why


def test_a_part_alone_has_all_the_attention() -> None:
    mouth = face_parts()["mouth"]
    found = attention_by_part(mouth)
    assert next(iter(found)) == "mouth"
    np.testing.assert_allclose(found["mouth"], 1 / mouth.mean())
    assert sum(found.values()) == found["mouth"]


def test_even_importance_is_chance_everywhere() -> None:
    even = np.ones_like(face_parts()["mouth"], float)
    np.testing.assert_allclose(list(attention_by_part(even).values()), 1)
    assert where(even) == why(even, face_parts()["mouth"]) == "the same everywhere"


def test_words_name_what_is_shared_missed_and_besides() -> None:
    parts = face_parts()
    heatmap = 2.0 * parts["mouth"] + parts["eyes"]
    assert where(heatmap).startswith("most on the mouth (")
    assert "then on the eyes" in where(heatmap)
    said = why(heatmap, parts["mouth"] | parts["nose"])
    shared, missed, besides = said.split("; ")
    assert shared.startswith("in the mask: mouth (")
    assert missed == "missed in the mask: nose (.00)"
    assert besides.startswith("outside the mask: eyes (")
