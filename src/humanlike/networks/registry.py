"""What is known of each network before it is built: its size and how the study trained it.

Figures of Gaya-Morey et al., "Unveiling the Human-like Similarities of Automatic Facial Expression
Recognition", Multimedia Tools and Applications (2024), doi 10.1007/s11042-024-20090-5.
"""

from dataclasses import dataclass

#: The optimisers that a network can be trained with.
OPTIMIZERS = ("adam", "rmsprop", "sgd")


@dataclass(frozen=True)
class Network:
    """A network of the study and the settings it was published with.

    Attributes
    ----------
    key
        What parameters, folders and tables call it.
    name
        What people call it.
    input_size
        Side of its square input in pixels.
    parameters
        Trainable and other weights together, with six outputs.
    optimizer
        One of `OPTIMIZERS`.
    learning_rate, epochs
        How fast and how long the study trained it.
    pretrained
        Whether ImageNet weights exist for it; the study started from them.
    """

    key: str
    name: str
    input_size: int
    parameters: int
    optimizer: str
    learning_rate: float
    epochs: int
    pretrained: bool


#: Key -> network, in the order of every table.
NETWORKS: dict[str, Network] = {
    network.key: network
    for network in (
        Network("silnet", "SilNet", 150, 184_852_038, "adam", 1e-4, 10, False),
        Network("weinet", "WeiNet", 64, 1_728_230, "rmsprop", 1e-4, 10, False),
        Network("alexnet", "AlexNet", 224, 88_718_726, "rmsprop", 1e-4, 10, False),
        Network("songnet", "SongNet", 224, 172_678, "rmsprop", 1e-4, 25, False),
        Network("inceptionv3", "InceptionV3", 224, 21_815_078, "adam", 1e-4, 2, True),
        Network("vgg19", "VGG19", 224, 20_027_462, "adam", 1e-4, 2, True),
        Network("vgg16", "VGG16", 224, 14_717_766, "adam", 1e-4, 2, True),
        Network("resnet50", "ResNet50", 224, 23_600_006, "adam", 1e-4, 2, True),
        Network("resnet101v2", "ResNet101V2", 224, 42_638_854, "adam", 1e-4, 2, True),
        Network("xception", "Xception", 224, 20_873_774, "adam", 1e-4, 2, True),
        Network("mobilenetv3", "MobileNetV3", 224, 3_002_118, "adam", 1e-6, 10, True),
        Network("efficientnetv2", "EfficientNetV2", 224, 5_926_998, "adam", 1e-6, 10, True),
    )
}
