"""Fit the model of faces that the generator `guided` samples stimuli from, where it is wanted.

A stage of its own before `boundary`, so that it learns once, whatever stimuli are made of it.
"""

from __future__ import annotations

from humanlike import artifacts, people_files, people_params
from humanlike.errors import HumanlikeError
from humanlike.params import load


def run() -> None:
    """Write the model; an empty file where `boundary.generators` has no `guided`.

    Raises
    ------
    HumanlikeError
        There are too few faces.
    """
    params = load()
    if "guided" not in people_params.boundary(params).generators:
        artifacts.write_bytes(people_files.DIFFUSION, b"")
        return
    from humanlike.boundaries import diffusion
    from humanlike.networks import files
    from humanlike.training import use_threads

    use_threads(params.train.threads)
    images = artifacts.read_array(artifacts.FACES / "images.npy")
    settings = people_params.diffusion().model_dump()
    try:
        model = diffusion.fit(images, progress="diffusion", **settings)
    except ValueError as error:
        raise HumanlikeError(f"diffusion: {error} to learn from") from None
    with artifacts.whole(people_files.DIFFUSION) as temporary:
        files.save(model, temporary)
