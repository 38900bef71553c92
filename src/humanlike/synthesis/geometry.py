"""Identity and action units as curves; the 68 landmarks are points of those curves.

The curves are written for the right side of the picture (x > 0) and mirrored.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from humanlike.synthesis.canvas import Points, mirrored
from humanlike.synthesis.identity import Identity

#: The point about which the outline's radius is given.
CENTRE = np.array([0.0, 0.15])

#: Travel of the brow's five points at intensity 1, inner to outer, positive down.
_BROW_X = np.array([0.200, 0.365, 0.535, 0.705, 0.860])
_BROW_REST = np.array([-0.245, -0.285, -0.310, -0.290, -0.205])
_BROW_ARCH = np.array([0.0, -0.6, -1.0, -0.9, 0.2])
_BROW_UNITS = {
    1: np.array([-0.085, -0.055, -0.020, 0.005, 0.010]),
    2: np.array([-0.012, -0.035, -0.060, -0.070, -0.048]),
    4: np.array([0.080, 0.068, 0.048, 0.025, 0.010]),
}
#: With AU1 the frontalis holds the inner brow up and AU4 mostly pulls it to the midline.
_BROW_4_AGAINST_1 = np.array([0.0, 0.015, 0.030, 0.025, 0.020])
_BROW_9 = np.array([0.055, 0.035, 0.015, 0.0, 0.0])


@dataclass(frozen=True)
class Eye:
    """The right eye's opening: two lids over a line from the inner to the outer corner."""

    centre: float
    half_width: float
    tilt: float
    upper: float
    lower: float

    def lids(self, t: npt.NDArray) -> tuple[Points, Points]:
        """Upper and lower lid (n, 2) at ``t`` in [-1, 1], inner to outer corner."""
        x = self.centre + self.half_width * t
        corners = 0.012 - self.tilt * t
        upper = corners - self.upper * (1 - t**2) ** 0.65 * (1 - 0.06 * t)
        lower = corners + self.lower * (1 - t**2) ** 0.8 * (1 + 0.2 * t)
        return np.column_stack([x, upper]), np.column_stack([x, lower])

    def outline(self) -> Points:
        """The opening as a closed polygon (n, 2)."""
        upper, lower = self.lids(np.linspace(-1, 1, 25))
        return np.vstack([upper, lower[-2:0:-1]])


@dataclass(frozen=True)
class Mouth:
    """Both lips about the line where they meet, or would meet."""

    y: float
    half_width: float
    corner: float  #: y of the corners below the middle
    gap: float  #: between the lips
    upper: float  #: thickness
    lower: float

    def curves(self, t: npt.NDArray) -> npt.NDArray:
        """The y of upper lip's edge, its lower side, lower lip's upper side, its edge: (4, n).

        ``t`` runs over [-1, 1] from the picture's left corner to its right one.
        """
        wave = 0.012 * max(0.0, 1 - self.gap / 0.1) * np.cos(2 * np.pi * t) * (1 - t**2)
        line = self.y + self.corner * np.abs(t) ** 2.2 + wave
        opening = self.gap * (1 - t**2) ** 0.6
        upper_inner, lower_inner = line - 0.25 * opening, line + 0.75 * opening
        bow = (1 - np.abs(t) ** 1.7) * (1 - 0.22 * np.exp(-((t / 0.13) ** 2)))
        upper_edge = upper_inner - self.upper * bow
        lower_edge = lower_inner + self.lower * (1 - t**2) ** 0.8
        return np.stack([upper_edge, upper_inner, lower_inner, lower_edge])

    def band(self, first: int, last: int) -> Points:
        """The closed polygon (n, 2) between two of the four curves."""
        t = np.linspace(-1, 1, 41)
        curves, x = self.curves(t), self.half_width * t
        top, bottom = np.column_stack([x, curves[first]]), np.column_stack([x, curves[last]])
        return np.vstack([top, bottom[-2:0:-1]])


@dataclass(frozen=True)
class Geometry:
    """Every curve of one face in one expression, in face units."""

    outline: CubicSpline  #: angle about `CENTRE` (0 = right, growing clockwise) -> radius
    chin: float
    brow: Points  #: (5, 2), right side, inner to outer
    eye: Eye
    nose_base: float
    nose_half_width: float
    wings: float  #: y of the nose wings' middle
    mouth: Mouth
    cheek: float  #: y of the cheek's fullest point

    def landmarks(self) -> Points:
        """The 68 points of dlib and iBUG 300-W (68, 2) in face units."""
        brow = self.brow
        ridge_y = np.linspace(0.02, self.nose_base - 0.13, 4)
        base_x = self.nose_half_width * np.array([-0.92, -0.48, 0.0, 0.48, 0.92])
        base_y = self.nose_base + np.array([-0.035, 0.0, 0.022, 0.0, -0.035])
        upper, lower = self.eye.lids(np.array([-1, -0.36, 0.36, 1]))
        right_eye = np.vstack([upper, lower[2:0:-1]])
        left_eye = mirrored(right_eye)[[3, 2, 1, 0, 5, 4]]
        return np.vstack(
            [
                self._jaw(),
                mirrored(brow)[::-1],
                brow,
                np.column_stack([np.zeros(4), ridge_y]),
                np.column_stack([base_x, base_y]),
                left_eye,
                right_eye,
                self._lips(),
            ]
        )

    def outline_points(self, angles: npt.NDArray) -> Points:
        """The outline (n, 2) at ``angles`` in radians."""
        radius = self.outline(np.mod(angles, 2 * np.pi))
        return CENTRE + radius[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])

    def _jaw(self) -> Points:
        """Seventeen points at equal distances along the outline, from temple to temple."""
        dense = self.outline_points(np.linspace(np.pi + 0.15, -0.15, 400))
        length = np.r_[0, np.cumsum(np.hypot(*np.diff(dense, axis=0).T))]
        at = np.linspace(0, length[-1], 17)
        return np.column_stack([np.interp(at, length, axis) for axis in dense.T])

    def _lips(self) -> Points:
        outer, inner = np.array([-0.62, -0.24, 0.0, 0.24, 0.62]), np.array([-0.30, 0.0, 0.30])
        mouth, corners = self.mouth, np.array([-1.0, 1.0])

        def on_curve(curve: int, t: npt.NDArray) -> Points:
            return np.column_stack([mouth.half_width * t, mouth.curves(t)[curve]])

        left, right = on_curve(1, corners)[:, None, :]
        inner_left, inner_right = on_curve(1, 0.86 * corners)[:, None, :]
        return np.vstack(
            [
                left,
                on_curve(0, outer),
                right,
                on_curve(3, outer[::-1]),
                inner_left,
                on_curve(1, inner),
                inner_right,
                on_curve(2, inner[::-1]),
            ]
        )


def shape_face(identity: Identity, au: Mapping[int, float]) -> Geometry:
    """Move the resting face of ``identity`` by its action units.

    Parameters
    ----------
    identity
        Who.
    au
        Every drawn action unit -> intensity in [0, 1], as of `action_units.complete_units`.
    """
    chin = identity.chin + 0.26 * au[26]
    return Geometry(
        outline=_outline(identity, chin),
        chin=chin,
        brow=_brow(identity, au),
        eye=Eye(
            centre=identity.eye_offset,
            half_width=identity.eye_half_width,
            tilt=identity.eye_tilt,
            upper=identity.upper_lid + 0.058 * au[5] - 0.016 * au[6] - 0.020 * au[7],
            lower=identity.lower_lid - 0.036 * max(au[6], au[7]),
        ),
        nose_base=identity.nose_base - 0.055 * au[9],
        nose_half_width=identity.nose_half_width * (1 + 0.08 * au[9] + 0.06 * au[12]),
        wings=identity.nose_base - 0.085 - 0.10 * au[9],
        mouth=_mouth(identity, au),
        cheek=0.55 - 0.09 * au[6] - 0.04 * au[12],
    )


def _brow(identity: Identity, au: Mapping[int, float]) -> Points:
    y = _BROW_REST - identity.brow_lift + identity.brow_arch * _BROW_ARCH
    lowered = (1 - au[1]) * _BROW_UNITS[4] + au[1] * _BROW_4_AGAINST_1
    y = y + au[1] * _BROW_UNITS[1] + au[2] * _BROW_UNITS[2] + au[4] * lowered + au[9] * _BROW_9
    inward = 0.065 * au[4] * np.array([1.0, 0.7, 0.35, 0.1, 0.0])
    return np.column_stack([_BROW_X - inward, y])


def _mouth(identity: Identity, au: Mapping[int, float]) -> Mouth:
    outward = 0.125 * au[12] + 0.095 * au[20] - 0.035 * au[23] - 0.055 * au[26]
    return Mouth(
        y=identity.mouth_y - 0.03 * au[9] + 0.01 * au[26],
        half_width=identity.mouth_half_width + outward,
        corner=-0.15 * au[12] + 0.11 * au[15] + 0.02 * au[20] + 0.10 * au[26],
        gap=0.073 * au[25] + 0.245 * au[26],
        upper=identity.upper_lip * (1 - 0.22 * au[12]) * (1 - 0.26 * au[20]) * (1 - 0.58 * au[23]),
        lower=identity.lower_lip * (1 - 0.15 * au[12]) * (1 - 0.26 * au[20]) * (1 - 0.50 * au[23]),
    )


def _outline(identity: Identity, chin: float) -> CubicSpline:
    """Periodic cubic spline through the head's outline, hair and all, given clockwise."""
    width, drop = identity.half_width, chin - 1.71
    jaw = 0.05 * (identity.jaw - 0.5)
    right = np.array(
        [
            [1.00 * width, 0.05],
            [(0.955 + jaw) * width, 0.62 + 0.2 * drop],
            [(0.84 + jaw) * width, 1.06 + 0.5 * drop],
            [(0.62 + jaw) * width, 1.42 + 0.85 * drop],
            [(0.32 + jaw) * width, 1.655 + drop],
        ]
    )
    top = np.array(
        [
            [0.36 * width, 0.955 * identity.crown],
            [0.72 * width, 0.79 * identity.crown],
            [0.95 * width, 0.52 * identity.crown],
            [1.02 * width, 0.22 * identity.crown],
        ]
    )
    points = np.vstack(
        [
            right,
            [[0.0, chin]],
            mirrored(right)[::-1],
            mirrored(top)[::-1],
            [[0.0, identity.crown]],
            top,
        ]
    )
    x, y = (points - CENTRE).T
    angle = np.mod(np.arctan2(y, x), 2 * np.pi)
    order = np.argsort(angle)
    angle, radius = angle[order], np.hypot(x, y)[order]
    return CubicSpline(
        np.r_[angle, angle[0] + 2 * np.pi], np.r_[radius, radius[0]], bc_type="periodic"
    )
