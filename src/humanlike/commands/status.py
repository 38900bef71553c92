"""What of the project is done, what is left and how long that takes, and the last verdict."""

from __future__ import annotations

from pathlib import Path

import typer

from humanlike import artifacts, times
from humanlike.params import Params, load
from humanlike.storage import State, states

#: Reasons and stages that are named one by one.
NAMED = 3


def status() -> None:
    """Print the state of every stage, the time and memory that the rest takes, and the verdict.

    Raises
    ------
    HumanlikeError
        This is no DVC project, or params.yaml is not valid.
    """
    params = load()
    known = times.read()
    left = []
    rows = []
    found = states()
    optional = {s.name.partition(":")[0] for s in found if ":" in s.name} - run_before()
    found = [s for s in found if s.name.partition(":")[0] not in optional]
    for kind, group in by_kind(found).items():
        todo = [s for s in group if not s.done and not s.name.endswith(".dvc")]
        left += todo
        ahead = [expected(state, params, known) for state in todo]
        seconds = sum(seconds for seconds, _ in filter(None, ahead))
        unknown = "" if all(ahead) else "unknown" if not any(ahead) else " and more"
        duration = (times.in_words(seconds) if any(ahead) else "") + unknown
        rows.append((kind, in_words(group), duration if todo else ""))
    rows += [(path, f"never run here; `dvc repro {path}` does", "") for path in sorted(optional)]
    width = max(len(kind) for kind, *_ in rows) + 2
    for kind, state, duration in rows:
        typer.echo(f"{kind:<{width}}{duration:>16}   {state}")
    typer.echo(f"\n{the_rest(left, params, known)}")
    verdict = artifacts.PLOTS / "score" / "verdict.txt"
    if verdict.exists():
        older = any(times.parts(state.name)[0] == "score" and not state.missing for state in left)
        since = " (before what was changed)" if older else ""
        said, _, _ = artifacts.read_text(verdict).partition("\n")
        typer.echo(f"\nThe last verdict{since}: {said}")


def run_before() -> set[str]:
    """The pipelines in folders of the project that have run at least once."""
    return {f"{lock.parent}/dvc.yaml" for lock in Path().glob("*/dvc.lock")}


def by_kind(found: list[State]) -> dict[str, list[State]]:
    """Stages under the name that they share with those of other networks and folds."""
    groups: dict[str, list[State]] = {}
    for state in found:
        groups.setdefault(times.parts(state.name)[0], []).append(state)
    return groups


def expected(
    state: State, params: Params, known: list[times.Took]
) -> tuple[float, times.Took] | None:
    """Seconds that a stage will take, and the run that they are told by."""
    stage = state.name.rpartition(":")[2]
    kind, network, fold = times.parts(stage)
    work = times.work_of(kind, params, network, fold)
    took = times.expected(stage, work, known)
    return None if took is None else (took.would_take(work), took)


def in_words(group: list[State]) -> str:
    """What is to be done of some stages, and why."""
    if len(group) == 1 and group[0].name.endswith(".dvc") and not group[0].done:
        file = group[0].name
        if group[0].missing:
            return f"not here; `dvc pull {file}` brings it, where a remote has it"
        return f"changed; `dvc add {file.removesuffix('.dvc')}`, then `dvc repro`"
    parts = []
    for count, words, reasons in (
        (sum(bool(s.changed) for s in group), "stale", [r for s in group for r in s.changed]),
        (sum(s.follows and not s.changed for s in group), "after what is stale", []),
        (
            sum(bool(s.missing) and not s.changed and not s.follows for s in group),
            "not here",
            [counted([r for s in group if not s.changed and not s.follows for r in s.missing])],
        ),
    ):
        if count:
            share = f"{count} of {len(group)} " if len(group) > 1 else ""
            parts.append(f"{share}{words}{': ' * bool(reasons)}{listed(reasons)}")
    return "; ".join(parts) or "done"


def counted(files: list[str]) -> str:
    """How many files there are."""
    return f"{len(files)} file{'s' * (len(files) != 1)}"


def listed(names: list[str]) -> str:
    """The first few of some names, each once."""
    once = list(dict.fromkeys(names))
    more = f" and {len(once) - NAMED} more" if len(once) > NAMED else ""
    return ", ".join(once[:NAMED]) + more


def the_rest(left: list[State], params: Params, known: list[times.Took]) -> str:
    """One sentence on what `dvc repro` will take, and what is not known of that."""
    if not left:
        return "Nothing is left to be run."
    ahead = {state.name: expected(state, params, known) for state in left}
    told = {stage: found for stage, found in ahead.items() if found}
    unknown = [stage for stage, found in ahead.items() if not found]
    stages = f"{len(left)} stage{'s' * (len(left) > 1)}"
    if not told:
        return f"{stages} to be run. How long that takes is not known: none has run here yet."
    seconds = sum(seconds for seconds, _ in told.values())
    heaviest = max(told, key=lambda stage: told[stage][1].memory)
    memory = told[heaviest][1].memory
    said = f"{stages} to be run: about {times.in_words(seconds)} on this machine"
    said += f", and {memory / 1e9:.1f} GB of memory at most ({heaviest})." if memory else "."
    if unknown:
        said += f" Not counted, as nothing like it has run here: {listed(unknown)}."
    return said
