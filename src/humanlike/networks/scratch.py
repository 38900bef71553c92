"""The four networks that are trained from scratch, each a table of its layers.

Convolutions and poolings keep the size ("same" padding) up to their stride; hidden layers are
rectified. What the tables leave unsaid is Keras' default.
"""

from functools import partial

import keras
from keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

conv = partial(Conv2D, padding="same", activation="relu")
pool = partial(MaxPooling2D, padding="same")
dense = partial(Dense, activation="relu")


def silnet(classes: int) -> list[keras.Layer]:
    """SilNet: Ramis, Buades, Perales & Manresa-Yee (2022), doi 10.1007/s11042-022-13117-2."""
    glorot = {"kernel_initializer": "glorot_normal"}
    return [
        conv(32, 11, **glorot),
        pool(2, strides=2),
        conv(32, 7, **glorot),
        conv(32, 7, **glorot),
        pool(2, strides=1),
        conv(64, 5, **glorot),
        conv(64, 5, **glorot),
        pool(2, strides=1),
        Flatten(),
        dense(512, **glorot),
        Dropout(0.5),
        dense(512, **glorot),
        Dense(classes, activation="softmax", **glorot),
    ]


def weinet(classes: int) -> list[keras.Layer]:
    """WeiNet: Li, Li, Su & Zhu, "A deep-learning approach to facial expression recognition with
    candid images", MVA (2015).
    """
    return [
        conv(32, 7),
        pool(2, strides=1),
        conv(32, 7),
        pool(2, strides=1),
        conv(64, 7),
        pool(2, strides=1),
        Flatten(),
        Dense(classes, activation="softmax"),
    ]


def alexnet(classes: int) -> list[keras.Layer]:
    """AlexNet: Krizhevsky, Sutskever & Hinton (2012), doi 10.1145/3065386."""
    return [
        conv(96, 11, strides=4),
        pool(3, strides=2),
        conv(256, 5),
        pool(3, strides=2),
        conv(384, 3),
        conv(384, 3),
        conv(256, 3),
        pool(3, strides=2),
        Flatten(),
        dense(4096),
        Dropout(0.4),
        dense(4096),
        dense(4096),
        Dropout(0.4),
        Dense(classes, activation="softmax"),
    ]


def songnet(classes: int) -> list[keras.Layer]:
    """SongNet: Song, Kim & Jeon, "Deep learning for real-time robust facial expression recognition
    on a smartphone", ICCE (2014).
    """
    return [
        conv(64, 5),
        pool(3, strides=2),
        conv(64, 5),
        pool(3, strides=2),
        conv(32, 3),
        pool(3, strides=2),
        Dropout(0.5),
        conv(32, 3),
        pool(3, strides=2),
        Dropout(0.5),
        Flatten(),
        Dense(classes, activation="softmax"),
    ]


#: Key -> the table of its layers, given the number of classes.
ARCHITECTURES = {"silnet": silnet, "weinet": weinet, "alexnet": alexnet, "songnet": songnet}
