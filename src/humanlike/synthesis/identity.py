"""Who is drawn: everything about a face that stays when its expression changes."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Identity:
    """One made-up person. Lengths in face units (pupil distance = 1), tones in [0, 1]."""

    half_width: float  #: of the face at its widest
    chin: float  #: y of the chin
    jaw: float  #: 0 narrow, 1 square
    crown: float  #: y of the top of the hair
    eye_offset: float  #: x of the eye's centre
    eye_half_width: float
    eye_tilt: float  #: how far the outer corner lies above the inner one
    upper_lid: float  #: height of the resting upper lid over the corners
    lower_lid: float
    iris: float
    nose_base: float  #: y under the nose
    nose_half_width: float
    nose_bridge: float  #: height of the ridge, 1 on average
    mouth_y: float
    mouth_half_width: float
    upper_lip: float  #: thickness
    lower_lip: float
    lip_tone: float  #: of the upper lip, relative to the skin
    brow_lift: float  #: resting height above the mean; positive is higher
    brow_arch: float
    brow_thickness: float
    brow_tone: float
    cheek: float  #: fullness, 1 on average
    skin: float
    stubble: float
    hairline: float  #: y of the hair line over the forehead
    hair_tone: float
    hair_part: float  #: x from which the hair is combed
    long_hair: bool
    shirt: float
    texture_seed: int  #: of pores, brow hairs and strands, which stay with the person


def draw_identity(rng: np.random.Generator) -> Identity:
    """Draw a person.

    Parameters
    ----------
    rng
        Source of every choice; the same state gives the same person.
    """

    def near(mean: float, sd: float) -> float:
        return mean + sd * float(np.clip(rng.standard_normal(), -2.2, 2.2))

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    skin = between(0.40, 0.80)
    hair_tone = between(0.03, 0.14) if rng.random() < 0.65 else between(0.14, 0.42)
    long_hair = bool(rng.random() < 0.4)
    return Identity(
        half_width=near(1.04, 0.04),
        chin=near(1.71, 0.06),
        jaw=between(0.0, 0.6) if long_hair else between(0.3, 1.0),
        crown=near(-1.50, 0.05),
        eye_offset=near(0.50, 0.018),
        eye_half_width=near(0.245, 0.013),
        eye_tilt=near(0.012, 0.012),
        upper_lid=near(0.094, 0.006),
        lower_lid=near(0.060, 0.004),
        iris=between(0.10, 0.42),
        nose_base=near(0.775, 0.035),
        nose_half_width=near(0.185, 0.016),
        nose_bridge=near(1.0, 0.1),
        mouth_y=near(1.08, 0.03),
        mouth_half_width=near(0.41, 0.025),
        upper_lip=near(0.080, 0.010),
        lower_lip=near(0.112, 0.012),
        lip_tone=near(0.58, 0.04),
        brow_lift=near(0.0, 0.018),
        brow_arch=near(0.0, 0.014),
        brow_thickness=near(0.050, 0.008) if long_hair else near(0.064, 0.009),
        brow_tone=float(np.clip(hair_tone * between(0.8, 1.3), 0.03, 0.30)),
        cheek=near(1.0, 0.35),
        skin=skin,
        stubble=0.0 if long_hair or rng.random() < 0.5 else between(0.1, 0.45),
        hairline=near(-0.86, 0.06),
        hair_tone=hair_tone,
        hair_part=between(-0.5, 0.5),
        long_hair=long_hair,
        shirt=between(0.06, 0.7),
        texture_seed=int(rng.integers(2**32)),
    )
