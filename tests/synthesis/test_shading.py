"""Light on heights whose slopes are known."""

from dataclasses import replace

import numpy as np
import pytest

from humanlike.synthesis.canvas import HEIGHT, WIDTH, X
from humanlike.synthesis.shading import illuminate, light_direction
from humanlike.synthesis.view import draw_view

VIEW = replace(draw_view(np.random.default_rng(0)), key=0.8, ambient=0.3, fill=0.1)
MIDDLE = (HEIGHT // 2, WIDTH // 2)


def plane(slope):
    return np.broadcast_to(slope * X, (HEIGHT, WIDTH)).astype(np.float32)


def test_a_flat_plate_lit_from_the_front():
    view = replace(VIEW, azimuth=0.0, elevation=0.0)
    light = illuminate(plane(0), view)
    # Facing the light and in no hollow: key 0.8 + ambient 0.3 + fill 0.1, and the full glance.
    assert light.diffuse[MIDDLE] == pytest.approx(1.2, abs=1e-4)
    assert light.specular[MIDDLE] == pytest.approx(0.8, abs=1e-4)


def test_a_flat_plate_lit_from_the_side():
    view = replace(VIEW, azimuth=np.pi / 3, elevation=0.0)
    # cos 60° = .5, wrapped (.5 + .25) / 1.25 = .6: .8 · .6 + .3 + .1 · .5
    assert illuminate(plane(0), view).diffuse[MIDDLE] == pytest.approx(0.83, abs=1e-4)


@pytest.mark.parametrize("azimuth", [-0.7, 0.7])
def test_the_side_turned_to_the_light_is_brighter(azimuth):
    view = replace(VIEW, azimuth=azimuth)
    # Height falling to the right turns the surface to the right.
    right, left = (illuminate(plane(slope), view).diffuse[MIDDLE] for slope in (-0.5, 0.5))
    assert (right > left) == (azimuth > 0)


def test_a_hollow_gets_less_light_than_a_plate():
    hollow = np.zeros((HEIGHT, WIDTH), np.float32)
    hollow[MIDDLE[0] - 5 : MIDDLE[0] + 6, MIDDLE[1] - 5 : MIDDLE[1] + 6] = -0.2
    assert illuminate(hollow, VIEW).diffuse[MIDDLE] < illuminate(plane(0), VIEW).diffuse[MIDDLE]


def test_the_light_comes_from_a_unit_vector_above():
    direction = light_direction(replace(VIEW, elevation=0.5))
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert direction[1] < 0 < direction[2]
