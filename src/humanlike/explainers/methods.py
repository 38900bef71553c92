"""The methods of explanation, a row each: nothing else counts them.

A method is a function ``explain(network, images, classes, *, seeds, **settings)`` over arrays:
`images` (n, S, S) uint8 are the faces as the network sees them, `classes` (n,) int the class to
explain of each, and `seeds` (n,) int what its randomness starts from; a method in which nothing is
random has none. A face's explanation depends on that face, its class and its seed alone. The
settings are those of the method's section in params.yaml. It returns either

* `humanlike.explainers.lime.Explanations`: superpixels, with a weight for each; or
* (n, S, S) float32: the importance of every pixel for the class, in any unit, negative where the
  pixel speaks against it.

The network is a `humanlike.explainers.hiding.Hiding`, which is asked what hiding parts of the face
changes, or for methods of `gradients` a `humanlike.explainers.differentiable.Differentiable`.
"""

from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Method(NamedTuple):
    """Where a method is found, what it needs and what it gives."""

    module: str  #: of `humanlike.explainers`
    function: str = "explain"
    gradients: bool = False  #: it asks for gradients, which TensorFlow alone computes
    superpixels: bool = False  #: it weighs superpixels, rather than pixels
    random: bool = False  #: it draws samples: with other seeds its explanations are others

    def explain(
        self,
        network: Any,
        images: NDArray[np.uint8],
        classes: NDArray[np.integer],
        seeds: NDArray[np.integer],
        **settings: Any,
    ) -> Any:
        """Explain faces; what the method imports is loaded now."""
        function = getattr(import_module(f"humanlike.explainers.{self.module}"), self.function)
        drawn = {"seeds": seeds} if self.random else {}
        return function(network, images, classes, **drawn, **settings)


#: What `explain.method` may be; each has a section of its name in params.yaml.
METHODS = {
    "lime": Method("lime", superpixels=True, random=True),
    "kernelshap": Method("kernelshap", superpixels=True, random=True),
    "occlusion": Method("occlusion"),
    "rise": Method("rise", random=True),
    "cam": Method("cam", gradients=True),
    "gradcam": Method("gradcam", "gradcam", gradients=True),
    "gradcam++": Method("gradcam", "gradcam_plus_plus", gradients=True),
    "integrated_gradients": Method("gradients", "integrated_gradients", gradients=True),
    "smoothgrad": Method("gradients", "smoothgrad", gradients=True, random=True),
    "extremal": Method("extremal", gradients=True),
}
