"""Make stimuli between two expressions, on which networks say what is wanted.

The work goes in chunks, one for each generator, pair and person, each written as soon as it is
done: a run that was killed goes on from its last chunk. Every chunk has seeds of its own, so that
neither the chunks' order nor where they were computed changes a result.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import humanlike.boundaries
import humanlike.synthesis
from humanlike import artifacts, cluster, people_files, people_params, studies
from humanlike.boundaries import made as tables
from humanlike.boundaries import morph, naturalness, render
from humanlike.boundaries.made import Unit, Wanted
from humanlike.boundaries.seen import Generator, Judges, Stimulus
from humanlike.boundaries.sheet import contact_sheet
from humanlike.boundaries.targets import Target
from humanlike.errors import HumanlikeError
from humanlike.faces.detect import detector
from humanlike.faces.images import Rejected
from humanlike.networks.inputs import network_images
from humanlike.params import Params, load
from humanlike.people_params import Boundary
from humanlike.progress import bar

if TYPE_CHECKING:
    from humanlike.boundaries.guided import Sampler

METRICS = people_files.METRICS / "boundary.json"
PLOTS = people_files.PLOTS / "boundary"
UNFINISHED = artifacts.ARTIFACTS / "unfinished"

#: A folder's name ends in its `fingerprint`.
CHUNKS = re.compile(r"boundary-[0-9a-f]{16}")

#: Most pairs of photographs of one person that a morph is tried on.
MOST_PHOTOGRAPHS = 9


def run() -> None:
    """Write the folder of stimuli, the table of all that were tried, and how often it worked.

    Raises
    ------
    HumanlikeError
        A network's file is missing, or nothing could be made.
    """
    params = load()
    settings = people_params.boundary(params)
    faces = artifacts.read_table(artifacts.FACES / "faces.csv")
    units = plan(settings, params, faces)
    wanted = goals(settings)
    folder = UNFINISHED / f"boundary-{fingerprint(params, settings)}"
    judges = folder / "judges.zip"
    if not judges.exists():
        write_judges(judges, params, settings, faces)
    paths = [folder / f"{number:05d}.npz" for number in range(len(units))]
    todo = [number for number, path in enumerate(paths) if not path.exists()]

    def task(number: int) -> dict[str, Any]:
        unit = units[number]
        return {
            "generator": unit.generator,
            "start": unit.start,
            "pair": tuple(params.labels.index(label) for label in unit.pair),
            "wanted": wanted,
        }

    with bar(
        total=len(units), initial=len(units) - len(todo), title="boundary", unit="face"
    ) as progress:
        for number, arrays in cluster.run(make, judges, todo, task):
            artifacts.write_arrays(paths[number], **arrays)
            progress.update()

    write([artifacts.read_arrays(path) for path in paths], units, wanted, settings, params.labels)
    for old in UNFINISHED.glob("boundary-*"):
        if CHUNKS.fullmatch(old.name):
            shutil.rmtree(old)


def write(
    made: list[dict[str, NDArray[Any]]],
    units: list[Unit],
    wanted: list[Wanted],
    settings: Boundary,
    labels: list[str],
) -> None:
    """Write the stimuli that met their target, and tables, metrics and sheets of all.

    Raises
    ------
    HumanlikeError
        None did.
    """
    rows = [
        tables.records(unit, arrays, wanted, settings.networks, labels)
        for unit, arrays in zip(units, made, strict=True)
    ]
    table = pd.DataFrame(list(itertools.chain(*rows)))
    images, landmarks = (
        np.concatenate([arrays[name] for arrays in made]) for name in ("images", "landmarks")
    )
    used = table["success"].to_numpy(bool)
    if not used.any():
        raise HumanlikeError(
            f"boundary: none of {len(table)} stimuli met its target; see people/params.yaml"
        )
    studies.write_stimuli(
        people_files.BOUNDARY, tables.stimuli(table[used]), images[used], landmarks[used]
    )
    artifacts.write_table(people_files.BOUNDARY / "made.csv", table)
    artifacts.fresh(PLOTS)
    artifacts.write_table(PLOTS / "made.csv", table)
    artifacts.write_table(PLOTS / "success.csv", tables.success(table))
    for generator, group in table.groupby("generator"):
        sheet = contact_sheet(images[group.index], tables.captions(group))
        artifacts.write_picture(PLOTS / f"{generator}.png", sheet)
    artifacts.write_json(METRICS, tables.summary(table))
    # The next stages depend on it, whoever has chosen yet.
    people_files.BOUNDARY_DATA.mkdir(parents=True, exist_ok=True)


def goals(settings: Boundary) -> list[Wanted]:
    """The stimuli that are wanted of each unit."""
    networks = range(len(settings.networks))
    found = []
    if "alone" in settings.targets:
        found += [
            Wanted("alone", (network,), (share,))
            for network in networks
            for share in settings.shares
        ]
    if "agreement" in settings.targets:
        every = tuple(networks)
        found += [Wanted("agreement", every, (share,) * len(every)) for share in settings.shares]
    if "disagreement" in settings.targets:
        found += [
            Wanted("disagreement", both, (1.0, 0.0)) for both in itertools.permutations(networks, 2)
        ]
    return found


def plan(settings: Boundary, params: Params, faces: pd.DataFrame) -> list[Unit]:
    """The units of all generators and pairs, in order.

    Raises
    ------
    HumanlikeError
        A pair's expression is none of `expressions`.
    """
    pairs = pairs_of(settings, params)
    units: list[Unit] = []
    for generator in settings.generators:
        for pair in pairs:
            units += _PLANS[generator](settings, pair, faces)
    if not units:
        raise HumanlikeError(
            f"boundary: nobody in fold {settings.fold} was photographed with both expressions of "
            "any pair; morph needs that: take the generator render"
        )
    return units


def pairs_of(settings: Boundary, params: Params) -> list[tuple[str, str]]:
    """The pairs, each in the order of the labels."""
    if settings.pairs == "all":
        return list(itertools.combinations(params.labels, 2))
    for pair in settings.pairs:
        for label in pair:
            if label not in params.labels:
                raise HumanlikeError(
                    f"people/params.yaml: boundary.pairs: {label} is none of expressions of "
                    "params.yaml; name it there or leave it out"
                )
    ordered = [sorted(pair, key=params.labels.index) for pair in settings.pairs]
    return [(pair[0], pair[1]) for pair in ordered]


def _rendered(settings: Boundary, pair: tuple[str, str], faces: pd.DataFrame) -> list[Unit]:
    return [
        Unit(
            "render",
            pair,
            person,
            f"drawn-{settings.seed}-{person}",
            render.draw_start(settings.seed, person, pair),
        )
        for person in range(settings.number)
    ]


def _morphed(settings: Boundary, pair: tuple[str, str], faces: pd.DataFrame) -> list[Unit]:
    """Of people whom the networks have not seen, those that have photographs of both."""
    images = artifacts.read_array(artifacts.FACES / "images.npy")
    landmarks = artifacts.read_array(artifacts.FACES / "landmarks.npy")
    held_out = faces[faces["fold"] == settings.fold]
    shown = [held_out[held_out["expression"] == label] for label in pair]
    subjects = sorted(set(shown[0]["subject"]) & set(shown[1]["subject"]))
    numbers = [int.from_bytes(label.encode()[:3], "big") for label in pair]
    rng = np.random.default_rng([settings.seed, *numbers])
    units = []
    for person, place in enumerate(rng.permutation(len(subjects))[: settings.number]):
        of_both = [rows[rows["subject"] == subjects[place]]["face"] for rows in shown]
        both = list(itertools.product(*of_both))
        chosen = [both[number] for number in rng.permutation(len(both))[:MOST_PHOTOGRAPHS]]
        picture = {
            face: morph.Photograph(np.array(images[face]), np.array(landmarks[face]))
            for face in itertools.chain(*chosen)
        }
        pictures = [(picture[first], picture[second]) for first, second in chosen]
        start = morph.Start(pictures, int(rng.integers(2**31)))
        units.append(Unit("morph", pair, person, subjects[place], start))
    return units


def _sampled(settings: Boundary, pair: tuple[str, str], faces: pd.DataFrame) -> list[Unit]:
    """Of persons who are but the noise that sampling starts from."""
    numbers = [int.from_bytes(label.encode()[:3], "big") for label in pair]
    return [
        Unit(
            "guided",
            pair,
            person,
            f"sampled-{settings.seed}-{pair[0]}-{pair[1]}-{person}",
            int(np.random.default_rng([settings.seed, person, *numbers]).integers(2**31)),
        )
        for person in range(settings.number)
    ]


_PLANS: dict[str, Callable[[Boundary, tuple[str, str], pd.DataFrame], list[Unit]]] = {
    "render": _rendered,
    "morph": _morphed,
    "guided": _sampled,
}


def write_judges(path: Path, params: Params, settings: Boundary, faces: pd.DataFrame) -> None:
    """Put all that judges into one file, which travels to every worker.

    Raises
    ------
    HumanlikeError
        A network's file is missing, the model of faces is, or there are too few faces to know what
        is natural.
    """
    images = artifacts.read_array(artifacts.FACES / "images.npy")
    try:
        natural = naturalness.fit(images, faces["subject"].to_numpy(), settings.seed)
    except ValueError as error:
        raise HumanlikeError(f"boundary: {error} to tell which are natural") from None
    arrays = io.BytesIO()
    np.savez(arrays, **natural._asdict())
    with artifacts.whole(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr("naturalness.npz", arrays.getvalue())
        archive.writestr("settings.json", json.dumps(asking(params)))
        for number, network in enumerate(settings.networks):
            archive.write(model_of(network, settings.fold), f"{number:02d}.keras")
        if "guided" in settings.generators:
            archive.write(diffusion_model(), "diffusion.keras")


def asking(params: Params) -> dict[str, Any]:
    """How photographs come before the networks."""
    preprocess = params.preprocess
    return {
        "runtime": params.explain.runtime,
        "detector": preprocess.detector,
        "size": preprocess.size,
        "upsample": preprocess.upsample,
    }


def model_of(network: str, fold: int) -> Path:
    """A network's file.

    Raises
    ------
    HumanlikeError
        It is not there.
    """
    path = artifacts.unit("models", network, fold, ".keras")
    if not path.is_file():
        raise HumanlikeError(f"{path}: no such file; `dvc repro` makes it")
    return path


def diffusion_model() -> Path:
    """The model of faces' file.

    Raises
    ------
    HumanlikeError
        It is not there, or empty.
    """
    path = people_files.DIFFUSION
    if not path.is_file() or not path.stat().st_size:
        raise HumanlikeError(
            f"{path}: there is no model of faces to sample from; `humanlike people diffusion` fits "
            "it where boundary.generators has guided"
        )
    return path


class Bench(NamedTuple):
    """What `write_judges` wrote, for one worker."""

    folder: Path  #: where the files are
    judges: Judges  #: with all networks

    def network_file(self, number: int) -> Path:
        """A network's file."""
        return self.folder / f"{number:02d}.keras"


@lru_cache(maxsize=1)
def read_judges(path: Path) -> Bench:
    """Unpack and load what `write_judges` wrote."""
    from humanlike.explainers.runtimes import load as load_network

    def asked(network: Any) -> Callable[[NDArray[np.uint8]], NDArray[np.floating]]:
        def ask(images: NDArray[np.uint8]) -> NDArray[np.floating]:
            seen = network_images(images, network.size)
            whole = np.ones((len(seen), 1, 1), np.uint8)
            return network.probabilities(seen, np.zeros_like(seen), whole)[:, 0]

        return ask

    folder = path.with_suffix("")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    told = json.loads((folder / "settings.json").read_text())
    # Pictures come one by one, so that a fuller batch would be filled up with nothing.
    networks = [
        asked(load_network(file, told["runtime"], "float32", 1))
        for file in sorted(folder.glob("[0-9]*.keras"))
    ]
    natural = naturalness.Naturalness(**artifacts.read_arrays(folder / "naturalness.npz"))
    detect = detector(told["detector"])
    return Bench(folder, Judges(networks, natural.share, detect, told["size"], told["upsample"]))


@lru_cache
def sampler(path: Path, networks: tuple[int, ...]) -> Sampler:
    """What samples faces, pushed by some of the networks of `write_judges`."""
    from humanlike.boundaries.guided import Sampler
    from humanlike.networks import files

    bench = read_judges(path)
    pushing = [files.load(bench.network_file(number)) for number in networks]
    return Sampler(files.load(bench.folder / "diffusion.keras"), pushing)


_GENERATORS: dict[str, Generator] = {"render": render.generate, "morph": morph.generate}


def _generate(
    generator: str, start: Any, target: Target, judges: Judges, sample: Callable[[], Sampler]
) -> Stimulus:
    if generator == "guided":
        from humanlike.boundaries import guided

        return guided.generate(guided.Start(sample(), start), target, judges)
    return _GENERATORS[generator](start, target, judges)


def make(
    judges_file: Path, generator: str, start: Any, pair: tuple[int, int], wanted: Sequence[Wanted]
) -> dict[str, NDArray[Any]]:
    """Make the stimuli of one unit; what has no face that passes is told, and black.

    Returns
    -------
    dict of arrays
        A row for each of `wanted`: images (n, S, S) uint8, landmarks (n, 68, 2) float32,
        probabilities (n, networks, classes) float32, naturalness (n,), looked (n,), settings and
        reason (n,) text.
    """
    everyone = read_judges(judges_file).judges
    size = everyone.size
    found: dict[str, list] = {name: [] for name in _ARRAYS}
    for want in wanted:
        judges = everyone._replace(networks=[everyone.networks[n] for n in want.networks])
        reason, row = "", None
        try:
            target = Target(pair, want.shares)
            row = _generate(
                generator, start, target, judges, partial(sampler, judges_file, want.networks)
            )
        except Rejected as why:
            reason = str(why)
        image = np.zeros((size, size), np.uint8) if row is None else row.image
        found["images"].append(image)
        found["landmarks"].append(np.full((68, 2), np.nan) if row is None else row.landmarks)
        found["probabilities"].append(everyone.probabilities(image[None])[:, 0])
        found["naturalness"].append(np.nan if row is None else row.naturalness)
        found["looked"].append(0 if row is None else row.looked)
        found["settings"].append(json.dumps({} if row is None else row.settings))
        found["reason"].append(reason)
    return {name: np.array(values, _ARRAYS[name]) for name, values in found.items()}


_ARRAYS = {
    "images": np.uint8,
    "landmarks": np.float32,
    "probabilities": np.float32,
    "naturalness": np.float64,
    "looked": np.int64,
    "settings": np.str_,
    "reason": np.str_,
}


def fingerprint(params: Params, settings: Boundary) -> str:
    """Name all that the chunks depend on, so that no other run's are taken for this one's."""
    digest = hashlib.sha256()
    models = [model_of(network, settings.fold) for network in settings.networks]
    if "guided" in settings.generators:
        models.append(diffusion_model())
    sources = [
        path
        for package in (humanlike.boundaries, humanlike.synthesis)
        for path in sorted(Path(package.__path__[0]).glob("*.py"))
    ]
    for path in (*models, artifacts.FACES / "images.npy", *sources):
        digest.update(artifacts.digest(path).encode())
    known = [settings.model_dump(), params.preprocess.model_dump(), params.explain.runtime]
    digest.update(json.dumps([*known, params.labels]).encode())
    return digest.hexdigest()[:16]
