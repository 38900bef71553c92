"""The twelve networks of the study.

`registry` names them without loading TensorFlow; `builder` builds them, from the layer tables in
`scratch` and from the Keras applications in `applications`; `files` saves and loads them, and
`inputs` brings faces to their size.
"""

from humanlike.networks.registry import NETWORKS, OPTIMIZERS, Network

__all__ = ["NETWORKS", "OPTIMIZERS", "Network"]
