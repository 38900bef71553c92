"""Build any of the twelve networks, ready to be trained."""

import keras
from keras.layers import Dense, Rescaling

from humanlike.networks.applications import APPLICATIONS, features
from humanlike.networks.registry import NETWORKS
from humanlike.networks.scratch import ARCHITECTURES

#: Scale and offset of gray levels 0 to 255.
SCALINGS = {"paper": (1 / 255, 0), "native": (2 / 255, -1), "wide": (8 / 255, -4)}


def build(
    key: str,
    classes: int = 6,
    *,
    weights: str = "none",
    input_scaling: str = "paper",
    seed: int = 0,
) -> keras.Model:
    """Build a network that takes photographs as they are: the scaling of its input is inside.

    Keras' global session is cleared first, so that layer names and initial weights depend on the
    arguments alone.

    Parameters
    ----------
    key
        A key of `humanlike.networks.NETWORKS`.
    classes
        Number of outputs.
    weights
        ``"none"``, ``"imagenet"``, or a folder of weights files. The networks without pretrained
        weights start at random whatever it says.
    input_scaling
        ``"paper"``: every network gets its input divided by 255, as in the study, even those that
        rescale by themselves. ``"native"``: each Keras application gets the range that its
        ImageNet weights were made for; the other networks get −1 to 1, from which they learn
        sooner. ``"wide"``: −4 to 4, in which a face's gray levels spread by more than 1, and from
        which small networks that start at random learn soonest.
    seed
        Seed of the initial weights and of dropout.

    Returns
    -------
    keras.Model
        From (None, S, S, 3) float32 RGB in 0–255 to (None, classes) float32 probabilities; S is
        the network's `input_size`. Made of standard Keras layers only, so that Keras loads it in
        safe mode.

    Raises
    ------
    HumanlikeError
        If the pretrained weights cannot be had.
    """
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    size = NETWORKS[key].input_size
    image = keras.Input((size, size, 3), name="image")
    if input_scaling == "native" and key in APPLICATIONS:
        scaled = APPLICATIONS[key].native_scaling(image)
    else:
        scaled = Rescaling(*SCALINGS[input_scaling])(image)

    if key in APPLICATIONS:
        probabilities = Dense(classes, activation="softmax")(features(key, scaled, weights))
    else:
        probabilities = scaled
        for layer in ARCHITECTURES[key](classes):
            probabilities = layer(probabilities)
    return keras.Model(image, probabilities, name=key)
