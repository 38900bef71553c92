"""How strongly each action unit acts in an expression.

Units are those of Ekman, Friesen & Hager, *Facial Action Coding System* (2002).
"""

from collections.abc import Mapping

import numpy as np

from humanlike.expressions import ACTION_UNITS

#: The action units that the drawn faces know.
DRAWN_UNITS = (1, 2, 4, 5, 6, 7, 9, 12, 15, 20, 23, 25, 26)


def complete_units(action_units: Mapping[int, float]) -> dict[int, float]:
    """All of `DRAWN_UNITS` with their intensities, those not named being at rest.

    A jaw that drops (AU26) parts the lips: AU25 is at least half of it.

    Raises
    ------
    ValueError
        If a unit is not drawn or an intensity lies outside [0, 1].
    """
    for unit, intensity in action_units.items():
        if unit not in DRAWN_UNITS:
            raise ValueError(f"action unit {unit} is not drawn; those drawn: {DRAWN_UNITS}")
        if not 0 <= intensity <= 1:
            raise ValueError(f"intensity {intensity} of action unit {unit} is not within 0 to 1")
    units = {unit: float(action_units.get(unit, 0.0)) for unit in DRAWN_UNITS}
    units[25] = max(units[25], units[26] / 2)
    return units


def expression_action_units(
    expression: str, rng: np.random.Generator, low: float = 0.6, high: float = 1.0
) -> dict[int, float]:
    """Draw an intensity for each action unit of ``expression``.

    Parameters
    ----------
    expression
        One of the six expressions, or ``"neutral"``, which has no units.
    rng
        Source of the intensities.
    low, high
        Range of the intensities, within [0, 1]; each unit draws its own.

    Returns
    -------
    dict
        Action unit -> intensity.
    """
    units = () if expression == "neutral" else ACTION_UNITS[expression]
    return {unit: float(rng.uniform(low, high)) for unit in units}
