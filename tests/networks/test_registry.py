import subprocess
import sys

from humanlike.networks import NETWORKS, OPTIMIZERS


def test_twelve_networks_in_the_order_of_the_study():
    assert list(NETWORKS) == [
        "silnet",
        "weinet",
        "alexnet",
        "songnet",
        "inceptionv3",
        "vgg19",
        "vgg16",
        "resnet50",
        "resnet101v2",
        "xception",
        "mobilenetv3",
        "efficientnetv2",
    ]
    assert all(key == network.key for key, network in NETWORKS.items())


def test_settings_are_usable():
    for network in NETWORKS.values():
        assert network.optimizer in OPTIMIZERS
        assert 0 < network.learning_rate < 1
        assert network.epochs > 0


def test_the_registry_does_not_load_tensorflow():
    code = "import sys, humanlike.networks; print({'tensorflow', 'keras'} & set(sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert shown.strip() == "set()"
