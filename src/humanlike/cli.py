"""The command line: one thin command for each stage, and what a person runs by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from humanlike.errors import HumanlikeError

app = typer.Typer(
    name="humanlike",
    help="Do networks that recognise facial expressions look where people look?\n\n"
    "`dvc repro` runs the seven stages in their order and only where something changed; each is "
    "also a command here. The others are run by hand.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

STAGES = "Stages (dvc repro runs them)"
BY_HAND = "By hand"

Network = Annotated[str, typer.Argument(help="Key of the network, such as weinet.")]
Fold = Annotated[int, typer.Argument(help="The fold that is held out, from 0.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder to write to.")]


@app.command(rich_help_panel=STAGES)
def preprocess() -> None:
    """Photographs in data/ to aligned gray faces, 68 landmarks and folds."""
    from humanlike import times
    from humanlike.stages.preprocess import run

    with times.kept("preprocess"):
        run()


@app.command(rich_help_panel=STAGES)
def guidance() -> None:
    """Draw the regions that networks are taught to look at, where train.guidance is on."""
    from humanlike import times
    from humanlike.stages.guidance import run

    with times.kept("guidance"):
        run()


@app.command(rich_help_panel=STAGES)
def train(network: Network, fold: Fold) -> None:
    """Fit one network on all folds but one, and predict that one."""
    from humanlike import times
    from humanlike.stages.train import run

    with times.kept("train", network, fold):
        run(network, fold)


@app.command(rich_help_panel=STAGES)
def explain(network: Network, fold: Fold) -> None:
    """Explain the network's predictions on the held-out fold with explain.method."""
    from humanlike import times
    from humanlike.stages.explain import run

    with times.kept("explain", network, fold):
        run(network, fold)


@app.command(rich_help_panel=STAGES)
def evidence() -> None:
    """Map where the expressions differ in the photographs themselves."""
    from humanlike import times
    from humanlike.stages.evidence import run

    with times.kept("evidence"):
        run()


@app.command(rich_help_panel=STAGES)
def standardize(network: Network, fold: Fold) -> None:
    """Warp every explanation onto the one standard face."""
    from humanlike import times
    from humanlike.stages.standardize import run

    with times.kept("standardize", network, fold):
        run(network, fold)


@app.command(rich_help_panel=STAGES)
def score() -> None:
    """Average the explanations into heatmaps and score them against the Ekman masks."""
    from humanlike import times
    from humanlike.stages.score import run

    with times.kept("score"):
        run()


@app.command(rich_help_panel=BY_HAND)
def report(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write to.")] = Path(
        "plots/report.html"
    ),
) -> None:
    """Write the run as one page that opens from disk, with every picture and figure in it."""
    from humanlike.commands.report import run

    run(output)


@app.command(rich_help_panel=BY_HAND)
def dispatch() -> None:
    """Train and explain on a Dask cluster whatever is stale, and record it in DVC."""
    from humanlike.commands.dispatch import dispatch as run

    run()


@app.command(rich_help_panel=BY_HAND)
def status() -> None:
    """Print what is done, what is left and how long that takes here, and the last verdict."""
    from humanlike.commands.status import status as tell

    tell()


@app.command(rich_help_panel=BY_HAND)
def plan(
    params: Annotated[
        Path, typer.Argument(help="A params file, such as profiles/paper.yaml.", show_default=True)
    ] = Path("params.yaml"),
    measure: Annotated[
        bool, typer.Option(help="Run a little of what has not run here yet, to know its pace.")
    ] = True,
) -> None:
    """Estimate how long a run of any params takes on this machine, and how much memory."""
    from humanlike.commands.plan import plan as tell

    tell(params, measure)


@app.command(rich_help_panel=BY_HAND)
def show() -> None:
    """Print the result of the last `dvc repro` as a table."""
    from humanlike.commands.show import show as print_result

    print_result()


@app.command(rich_help_panel=BY_HAND)
def synthesize(
    output: Annotated[Path, typer.Argument(help="New folder for the images and tables.")],
    subjects: Annotated[int, typer.Option(min=1, help="How many people to draw.")] = 40,
    images: Annotated[int, typer.Option(min=1, help="Images of each person and expression.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same faces.")] = 0,
    low: Annotated[float, typer.Option(min=0, max=1, help="Least intensity of an AU.")] = 0.8,
    high: Annotated[float, typer.Option(min=0, max=1, help="Greatest intensity.")] = 1.0,
    truth: Annotated[
        bool, typer.Option("--truth", help="Write the pixels that each expression changes, too.")
    ] = False,
) -> None:
    """Draw faces that never lived, from action units, with labels and true landmarks."""
    from humanlike.commands.synthesize import synthesize as draw

    draw(output, subjects, images, seed, low, high, truth)


@app.command(rich_help_panel=BY_HAND)
def networks(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Print the twelve networks, with their input size and number of parameters."""
    from humanlike.commands.networks import list_networks

    list_networks(as_json)


@app.command(rich_help_panel=BY_HAND)
def masks(output: Output) -> None:
    """Write the six Ekman masks as <expression>.png, 0 outside and 255 inside."""
    from humanlike.commands.masks import write_masks

    write_masks(output)


@app.command("score-heatmaps", rich_help_panel=BY_HAND)
def score_heatmaps(
    folder: Annotated[
        Path,
        typer.Argument(help="Heatmaps on the standard face: <network>/fold<k>_<expression>.png."),
    ],
    output: Output,
    threshold: Annotated[
        str, typer.Option(help="otsu, or a number from 0 to 1 for the stretched heatmap.")
    ] = "otsu",
    references: Annotated[
        str,
        typer.Option(help="Some of ekman,evidence and names of folders in references/."),
    ] = "ekman",
) -> None:
    """Score ready heatmaps, made by any method, against references and against chance."""
    from humanlike.commands.score_heatmaps import score_folder

    score_folder(folder, output, threshold, references.split(","))


@app.command(rich_help_panel=BY_HAND)
def paper(
    output: Output,
    heatmaps: Annotated[
        Path | None,
        typer.Option(help="Ready heatmaps, as for score-heatmaps; by default the last run's."),
    ] = None,
    threshold: Annotated[
        str, typer.Option(help="Of ready heatmaps: otsu, or a number from 0 to 1.")
    ] = "otsu",
    colours: Annotated[
        str | None,
        typer.Option(help="inferno, viridis, cividis or jet (the study's); else report.colours."),
    ] = None,
) -> None:
    """Write the study's tables (CSV, LaTeX) and figures (PDF), and the methods in words."""
    from humanlike.commands.paper import write

    write(output, heatmaps, threshold, colours)


@app.command(rich_help_panel=BY_HAND)
def power(
    output: Output = Path("power"),
    difference: Annotated[
        float, typer.Option(min=0, max=1, help="True difference of own and other masks' IoU.")
    ] = 0.05,
    heatmaps: Annotated[
        Path | None,
        typer.Option(help="Published heatmaps instead of the last run; as for score-heatmaps."),
    ] = None,
) -> None:
    """How many subjects a study needs before its score can call heatmaps specific."""
    from humanlike.commands.power import power as run

    run(output, difference, heatmaps)


@app.command(rich_help_panel=BY_HAND)
def validate(
    output: Output = Path("validation"),
    regions: Annotated[
        str | None,
        typer.Option(help="Some of brows,eyes,mouth_corners,mouth_opening; all by default."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of faces, networks and samples.")] = 0,
    method: Annotated[
        str | None,
        typer.Option(help="Compare methods of explanation: some, such as lime,gradcam, or all."),
    ] = None,
) -> None:
    """Prove on drawn faces that heatmaps find the one region that carries the label (minutes)."""
    from humanlike.commands.validate import compare
    from humanlike.commands.validate import validate as run
    from humanlike.explainers.methods import METHODS
    from humanlike.validation.sets import REGIONS

    chosen = regions.split(",") if regions else REGIONS
    if method:
        compare(output, tuple(METHODS) if method == "all" else method.split(","), chosen, seed)
    elif not run(output, chosen, seed):
        raise typer.Exit(1)


@app.command(rich_help_panel=BY_HAND)
def audit(
    model: Annotated[
        Path, typer.Argument(help=".keras, .h5, .hdf5, .onnx, or the folder of a SavedModel.")
    ],
    images: Annotated[Path, typer.Option(help="Folder of photographs.")],
    output: Output,
    labels: Annotated[
        Path | None, typer.Option(help="Table of file,subject,expression for the photographs.")
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(help="What its outputs mean, in their order, such as angry,happy,-,sad."),
    ] = None,
    scaling: Annotated[
        str | None, typer.Option("--input", help="0..1, -1..1, 0..255 or imagenet.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=8, max=1024, help="Side of its input, where it takes any.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="As explain.method of params.yaml.")] = None,
    faces_per_class: Annotated[
        int, typer.Option(min=1, help="How many faces predicted as each class are explained.")
    ] = 10,
    seed: Annotated[int | None, typer.Option(min=0, help="Of what is drawn at random.")] = None,
) -> None:
    """Look at anybody's network with all that the pipeline has (minutes)."""
    from humanlike.commands.audit import Asked
    from humanlike.commands.audit import audit as run

    run(
        model,
        images,
        output,
        labels=labels,
        asked=Asked(classes, scaling, size),
        method=method,
        faces_per_class=faces_per_class,
        seed=seed,
    )


datasets = typer.Typer(no_args_is_help=True, help="Look at data sets before hours of work.")
app.add_typer(datasets, name="datasets", rich_help_panel=BY_HAND)


@datasets.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Holds a folder for each data set.")] = Path(
        "data"
    ),
) -> None:
    """Report what is recognised in each data set, what is skipped and why, and duplicates."""
    from humanlike.commands.datasets import check as tell

    tell(folder)


experiment = typer.Typer(no_args_is_help=True, help="Ask people the same questions.")
app.add_typer(experiment, name="experiment", rich_help_panel=BY_HAND)

Study = Annotated[Path, typer.Argument(help="Folder that `humanlike experiment build` made.")]


@experiment.command("build")
def build_experiment(
    output: Output = Path("experiment"),
    stimuli: Annotated[
        Path | None, typer.Option(help="Folder of stimuli; else the aligned faces are drawn from.")
    ] = None,
    static: Annotated[
        bool, typer.Option("--static", help="Files for any host; answers are downloaded.")
    ] = False,
    jatos: Annotated[bool, typer.Option("--jatos", help="A study archive for JATOS.")] = False,
) -> None:
    """Make the experiment that people/params.yaml describes: page, stimuli, trial lists."""
    from humanlike.commands.experiment import build

    if static and jatos:
        raise HumanlikeError("--static, --jatos: give one of them")
    build(output, stimuli, "static" if static else "jatos" if jatos else "server")


@experiment.command()
def serve(
    folder: Study = Path("experiment"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    name: Annotated[
        list[str] | None, typer.Option(help="Another name that browsers call this server by.")
    ] = None,
    database: Annotated[
        Path | None, typer.Option(help="File of the answers; else answers.sqlite in the folder.")
    ] = None,
    proxy: Annotated[
        bool, typer.Option("--proxy", help="A proxy on this machine passes requests on.")
    ] = False,
) -> None:
    """Serve an experiment; every answer is stored as it comes."""
    from humanlike.commands.experiment import serve as run

    run(folder, host, port, name or [], database, proxy)


@experiment.command("import")
def import_answers(
    source: Annotated[
        Path, typer.Argument(help="The server's database, downloaded files, or JATOS' results.")
    ],
    study: Annotated[Path, typer.Option(help="Folder of the experiment.")] = Path("experiment"),
    output: Output = Path("people/data"),
    without: Annotated[
        list[str] | None, typer.Option(help="A code for withdrawal; its answers are left out.")
    ] = None,
) -> None:
    """Check answers and write them as a data set in Psych-DS."""
    from humanlike.commands.experiment import import_answers as run

    run(source, study, output, without or [])


@experiment.command("export")
def export_answers(
    dataset: Annotated[Path, typer.Argument(help="Data set that an import wrote.")],
    bids: Annotated[Path, typer.Option(help="New folder for the data set in BIDS.")],
) -> None:
    """Write an imported data set as BIDS."""
    from humanlike.commands.experiment import export

    export(dataset, bids)


@experiment.command()
def withdraw(
    code: Annotated[str, typer.Argument(help="The code for withdrawal.")],
    database: Annotated[Path, typer.Option(help="The server's database.")] = Path(
        "experiment/answers.sqlite"
    ),
    study: Annotated[Path, typer.Option(help="Folder of the experiment.")] = Path("experiment"),
) -> None:
    """Delete an observer's session from a server's database."""
    from humanlike.commands.experiment import withdraw as run

    run(code, database, study)


people = typer.Typer(no_args_is_help=True, help="What people did: `dvc repro people/dvc.yaml`.")
app.add_typer(people, name="people", rich_help_panel=BY_HAND)


@people.command(rich_help_panel=STAGES)
def stimuli() -> None:
    """Draw the faces that people are to see."""
    from humanlike import times
    from humanlike.stages.stimuli import run

    with times.kept("stimuli"):
        run()


@people.command(rich_help_panel=STAGES)
def choices() -> None:
    """Check people's data, and map their attention."""
    from humanlike import times
    from humanlike.stages.choices import run

    with times.kept("choices"):
        run()


@people.command(rich_help_panel=STAGES)
def machines(network: Network, fold: Fold) -> None:
    """Ask a network what people were asked, of the same pictures."""
    from humanlike import times
    from humanlike.stages.machines import run

    with times.kept("machines", network, fold):
        run(network, fold)


@people.command(rich_help_panel=STAGES)
def compare() -> None:
    """Hold networks, and what explains them, against people."""
    from humanlike import times
    from humanlike.stages.compare import run

    with times.kept("compare"):
        run()


@people.command(rich_help_panel=STAGES)
def diffusion() -> None:
    """Fit a model of faces, where boundary.generators has guided."""
    from humanlike import times
    from humanlike.stages.diffusion import run

    with times.kept("diffusion"):
        run()


@people.command(rich_help_panel=STAGES)
def boundary() -> None:
    """Make faces between two expressions, on which networks hesitate or disagree."""
    from humanlike import times
    from humanlike.stages.boundary import run

    with times.kept("boundary"):
        run()


@people.command(rich_help_panel=STAGES)
def hesitation() -> None:
    """Say whether those faces are harder for people, from their choices in people/boundary/."""
    from humanlike import times
    from humanlike.stages.hesitation import run

    with times.kept("hesitation"):
        run()


@people.command(rich_help_panel=STAGES)
def align() -> None:
    """Fine-tune networks on those choices, for all people together and for each alone."""
    from humanlike import times
    from humanlike.stages.align import run

    with times.kept("align"):
        run()


@people.command("simulate-choices", rich_help_panel=BY_HAND)
def simulate_choices(
    observers: Annotated[int, typer.Option(min=2, help="How many simulated observers.")] = 12,
    repeats: Annotated[int, typer.Option(min=1, help="How often each sees a stimulus.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Of observers and answers.")] = 1,
) -> None:
    """Write choices of simulated observers about drawn faces between two expressions."""
    from humanlike.commands.simulate_choices import simulate as run

    run(observers, seed, repeats)


@people.command(rich_help_panel=BY_HAND)
def simulate(output: Output = Path("people/data")) -> None:
    """Write a study by simulated observers: for tests, and to see the pipeline at work."""
    from humanlike.commands.people import simulate as run

    run(output)


@people.command(rich_help_panel=BY_HAND)
def reference() -> None:
    """Write people's attention maps as a reference for score."""
    from humanlike.commands.people import reference as run

    run()


def main() -> None:
    """Run a command; what a person can mend is told in one line, without a traceback."""
    try:
        app()
    except HumanlikeError as error:
        print(f"humanlike: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        # A full disk, a folder that may not be written to: the system's words are clear enough.
        print(f"humanlike: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
