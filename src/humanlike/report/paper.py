"""The study's tables from any run: as data frames, as LaTeX, and the methods in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from humanlike.networks.registry import NETWORKS
from humanlike.params import Params
from humanlike.report.made import from_files, method_name, remarks
from humanlike.report.places import why

#: How many of the best and of the worst networks are ranked.
RANKED = 3

MEAN = "mean"


def network_name(key: str) -> str:
    """What people call a network; the key itself where it is none of the twelve."""
    return NETWORKS[key].name if key in NETWORKS else key


def networks_table(networks: Sequence[str], accuracy: pd.DataFrame | None) -> pd.DataFrame:
    """Table 1: the networks, and how well they recognise expressions.

    Parameters
    ----------
    networks
        Keys. Of one that is none of the twelve, size and parameters are unknown.
    accuracy : DataFrame, optional
        Columns network, fold and accuracy.

    Returns
    -------
    DataFrame
        Columns network, input (side in pixels), pretrained (whether ImageNet weights exist),
        parameters and, with `accuracy`, its mean over folds and the standard deviation (NaN of
        one fold).
    """
    rows = []
    for key in networks:
        known = NETWORKS.get(key)
        rows.append(
            {
                "network": network_name(key),
                "input": known.input_size if known else None,
                "pretrained": ("yes" if known.pretrained else "no") if known else None,
                "parameters": known.parameters if known else None,
            }
        )
    table = pd.DataFrame(rows).astype({"input": "Int64", "parameters": "Int64"})
    if accuracy is not None:
        of = accuracy.groupby("network")["accuracy"]
        table["accuracy"] = [of.mean().get(key) for key in networks]
        table["deviation"] = [of.std().get(key) for key in networks]
    return table


def scores_table(
    scores: pd.DataFrame, figures: Sequence[str], labels: Sequence[str]
) -> pd.DataFrame:
    """Tables 3 and 4: some figures of every network and expression, and their means.

    Parameters
    ----------
    scores : DataFrame
        Columns network, expression and `figures`, as `alignment.report.Report.by_expression`.
    figures
        iou and f1 make Table 3, precision and recall Table 4.
    labels
        Order of the expressions.

    Returns
    -------
    DataFrame
        Index: network names, then "mean". Columns: (expression or "mean", figure). A network's
        mean is over its expressions; the last row's over the networks.
    """
    networks = list(dict.fromkeys(scores["network"]))
    labels = [label for label in labels if label in set(scores["expression"])]
    wide = scores.pivot(index="network", columns="expression", values=list(figures))
    wide = wide.swaplevel(axis=1).reindex(index=networks)
    wide = wide[[(label, name) for label in labels for name in figures]]
    for name in figures:
        wide[MEAN, name] = wide.loc[:, (labels, name)].mean(axis=1)
    wide.loc[MEAN] = wide.mean()
    wide.index = [network_name(str(key)) for key in wide.index]
    return wide


def ranking_table(
    scores: pd.DataFrame,
    labels: Sequence[str],
    heatmaps: Mapping[tuple[str, str], NDArray],
    masks: Mapping[str, NDArray],
) -> pd.DataFrame:
    """Table 5: the networks whose heatmaps fit an expression best and worst, and why.

    Parameters
    ----------
    scores : DataFrame
        Columns network, expression and iou.
    labels
        Order of the expressions.
    heatmaps : mapping from (network, expression) to (HEIGHT, WIDTH)
        To be explained by the parts of the face that they dwell on.
    masks : mapping from expression to (HEIGHT, WIDTH) bool

    Returns
    -------
    DataFrame
        Columns expression, place ("best 1" … and "worst 1" …, the very worst being 1), network,
        iou and where; no network is in both halves.
    """
    rows = []
    for label in labels:
        theirs = scores[scores["expression"] == label].dropna(subset="iou")
        theirs = theirs.sort_values("iou", ascending=False, kind="stable")
        count = min(RANKED, len(theirs) // 2) or min(1, len(theirs))
        halves = {"best": theirs.head(count)}
        if len(theirs) > 1:
            halves["worst"] = theirs.tail(count).iloc[::-1]
        for half, ranked in halves.items():
            for place, (network, iou) in enumerate(
                zip(ranked["network"], ranked["iou"], strict=True), 1
            ):
                heatmap = heatmaps.get((network, label))
                rows.append(
                    {
                        "expression": label,
                        "place": f"{half} {place}",
                        "network": network_name(network),
                        "iou": iou,
                        "where": ""
                        if heatmap is None or label not in masks
                        else why(heatmap, masks[label]),
                    }
                )
    return pd.DataFrame(rows, columns=["expression", "place", "network", "iou", "where"])


def datasets_table(preprocess: Mapping[str, Any]) -> pd.DataFrame:
    """The data sets: subjects and faces that were used, by expression.

    `preprocess` is what `metrics/preprocess.json` holds.
    """
    rows = [{"dataset": name, **counts} for name, counts in preprocess["datasets"].items()]
    return pd.DataFrame(rows)


def flat(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `scores_table` with one line of headings, for CSV."""
    single = table.copy()
    single.columns = pd.Index([" ".join(column) for column in table.columns])
    return single.rename_axis("network").reset_index()


#: What LaTeX would not print as it is.
_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "–": "--",
        "−": "$-$",
        "²": "$^2$",
        "×": r"$\times$",
        "\n": " ",
    }
)


def latex(text: object) -> str:
    """Text as LaTeX prints it letter by letter."""
    return str(text).translate(_LATEX)


def latex_table(table: pd.DataFrame, caption: str, label: str, digits: int = 4) -> str:
    """A table in the style of the package booktabs; floats with so many decimals.

    Parameters
    ----------
    table : DataFrame
        One level of columns, or two (`scores_table`), whose upper level spans.
    caption, label : str
        In plain text, and for ``\\ref``.
    digits : int
    """
    levels = table.columns.nlevels
    if levels == 2:
        groups = list(dict.fromkeys(table.columns.get_level_values(0)))
        width = table.shape[1] // len(groups)
        heads = [
            " & " + " & ".join(rf"\multicolumn{{{width}}}{{c}}{{{latex(g)}}}" for g in groups),
            " & "
            + " & ".join(
                latex(_HEADS.get(name, name)) for name in table.columns.get_level_values(1)
            ),
        ]
        rows = [[name, *values] for name, values in zip(table.index, table.to_numpy(), strict=True)]
        form = "l" + "r" * table.shape[1]
        rules = "".join(
            rf"\cmidrule(lr){{{2 + i * width}-{1 + (i + 1) * width}}}" for i in range(len(groups))
        )
        head = f"{heads[0]} \\\\\n{rules}\n{heads[1]} \\\\"
        last = MEAN in table.index
    else:
        head = " & ".join(latex(_HEADS.get(name, name)) for name in table.columns) + r" \\"
        rows = table.astype(object).to_numpy().tolist()
        form = "".join(
            "r" if pd.api.types.is_numeric_dtype(dtype) else _column(table[name])
            for name, dtype in table.dtypes.items()
        )
        last = False
    body = [" & ".join(_cell(value, digits) for value in row) + r" \\" for row in rows]
    if last:
        body.insert(-1, r"\midrule")
    return "\n".join(
        [
            "% needs \\usepackage{booktabs,array,graphicx}",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{latex(caption)}}}",
            rf"\label{{{label}}}",
            # Made smaller where it is too wide, and never larger.
            r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{form}}}",
            r"\toprule",
            head,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
            "",
        ]
    )


_HEADS = {"iou": "IoU", "f1": "F1", "precision": "Precision", "recall": "Recall"}

#: Words in a column that are more than these many characters are broken into lines.
_LONG = 40


def _column(values: pd.Series) -> str:
    return (
        r">{\raggedright\arraybackslash}p{17cm}"
        if values.astype(str).str.len().max() > _LONG
        else "l"
    )


def _cell(value: object, digits: int) -> str:
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return "--"
    return f"{value:.{digits}f}" if isinstance(value, float) else latex(value)


_DETECTORS = {
    "auto": "dlib's HOG detector or, where that found none, on the enlarged photograph, by dlib's "
    "convolutional detector, or in the whole photograph",
    "hog": "dlib's HOG detector",
    "cnn": "dlib's convolutional detector",
    "whole": "no detector, the photographs being faces already",
}


def methods(
    params: Params, counts: Mapping[str, Any] | None, settings: Mapping[str, Mapping]
) -> str:
    """What was done, in sentences that may be printed as they are.

    Parameters
    ----------
    params : Params
    counts : mapping, optional
        What `metrics/preprocess.json` holds.
    settings : mapping from section to mapping
        As `report.made.settings` returns it: every value is named.

    Returns
    -------
    str
        Paragraphs, the last with every setting.
    """
    train, explain = params.train, params.explain
    people = ""
    if counts:
        people = f", which left {counts['faces']} faces of {counts['subjects']} people"
    weights = {
        "none": "from random weights",
        "imagenet": "from ImageNet weights where these exist",
    }.get(train.weights, "from given weights where these exist")
    trained = [name for name in train.networks if name not in from_files(params)]
    names = ", ".join(network_name(network) for network in trained or train.networks)
    labels = ", ".join(params.labels)
    if trained:
        held_out = "held-out "
        split = (
            f" The people of each data set were split at random into {params.preprocess.folds} "
            "folds, so that nobody was in both training and test."
        )
        were = "network ({}) was" if len(trained) == 1 else "networks ({}) were"
        turns = "one fold" if len(train.folds) == 1 else f"in turn each of {len(train.folds)} folds"
        told = (
            f"{len(trained)} {were.format(names)} trained {weights} on the expressions {labels}, "
            f"with {turns} held out."
        )
    else:
        held_out = split = ""
        told = f"{names} told the expressions {labels} apart."
    compared = ""
    if len(train.networks) > 1:
        compared = (
            " Networks were compared by the correlation of their heatmaps and clustered by average "
            "linkage."
        )
    detector = _DETECTORS.get(params.preprocess.detector, params.preprocess.detector)
    threshold = params.score.threshold
    marked = "Otsu's threshold" if threshold == "otsu" else f"a threshold of {threshold:g}"
    negative = "negative importance set to 0" if params.standardize.positive_only else "signs kept"
    listed = "; ".join(
        f"{section}: " + ", ".join(f"{name} {value}" for name, value in values.items())
        for section, values in settings.items()
    )
    return "\n\n".join(
        [
            f"Faces were found by {detector}, turned so that the eyes are level by their 68 "
            f"landmarks (Kazemi and Sullivan 2014), cropped, and reduced to "
            f"{params.preprocess.size} × {params.preprocess.size} gray pixels{people}.{split}",
            " ".join([told, *remarks(params)]),
            f"Of the {held_out}faces that a network took for an expression, up "
            f"to {explain.positives_per_class} were explained for the predicted class "
            f"({method_name(explain.method)}). Each explanation was carried onto one standard face "
            "of 224 × 275 pixels by the piecewise affine map of a Delaunay triangulation of 89 "
            f"points, {negative}, and the explanations of each network, fold and expression were "
            "averaged into a heatmap (Gaya-Morey et al. 2024).",
            f"Heatmaps were stretched to 8 bits, marked by {marked}, and compared with the masks "
            "of Gaya-Morey et al. (2024) by intersection over union, F1, precision and recall; a "
            "network's figure for an expression is the mean over its folds. Chance levels are all "
            "cyclic shifts of the marked region and as many random pixels; specificity was tested "
            f"by all permutations of the masks.{compared}",
            f"All settings. {listed}.",
        ]
    )
