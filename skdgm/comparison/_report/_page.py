"""The page of a comparison: its parts, put into the template."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import sys
from collections.abc import Sequence
from html import escape
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from platform import python_version
from string import Template
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import ParameterGrid

from .._models import readable_count
from .._tables import HIDDEN_SHARES
from ._markup import boxed, breakable, facts, paragraph, section, table
from ._pictures import images_of, plots_of
from ._samples import draw

N_ROWS, N_COLUMNS = 6, 30  # of a table of samples
N_IMAGES, N_CLASSES = 6, 10  # of each class that is shown, and classes
PEERS = ("scikit-learn", "numpy", "scipy", "numba", "pandas", "matplotlib")
TITLE = "Classifiers compared"


def make_page(
    comparison: Any, image_shape: tuple[int, int] | None = None, command: str | None = None
) -> str:
    """Return the page of a comparison with at least one finished model."""
    if comparison.table.empty:
        raise ValueError("comparison must hold at least one finished model, got none.")
    _check_image_shape(image_shape, comparison)
    best = str(comparison.table["accuracy"].idxmax())
    template, style, script = (
        files(__package__).joinpath(f"report.{ending}").read_text(encoding="utf-8")
        for ending in ("html", "css", "js")
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    main = [
        section("Table", _table_of(comparison, best), *map(paragraph, comparison._notes()[1:])),
        section("Plot", _plot(comparison)),
        section(f"Confusion matrix of {best}", *_confusion(comparison, best)),
        section("Samples", *_samples(comparison, image_shape)),
        section("What was searched", *_searches(comparison)),
        section("Data", _data(comparison)),
        section("How this was made", _origin(comparison, command)),
    ]
    return Template(template).substitute(
        title=escape(TITLE),
        style=style,
        script=script,
        script_hash=f"sha256-{digest}",
        lead=_lead(comparison, best),
        main="\n".join(main),
    )


def _check_image_shape(image_shape: Any, comparison: Any) -> None:
    if image_shape is None:
        return
    n_columns = comparison.shape[1]
    is_pair = isinstance(image_shape, Sequence) and len(image_shape) == 2
    if not is_pair or np.prod(image_shape) != n_columns or min(image_shape) < 1:
        raise ValueError(
            f"image_shape must be a height and a width whose product is the number of columns, "
            f"{n_columns}, got {image_shape!r}."
        )


def _lead(comparison: Any, best: str) -> str:
    row = comparison.table.loc[best]
    return paragraph(
        f"{best} is right most often: {row['accuracy']:.3f} +/- {row['accuracy_std']:.3f} of the "
        "test rows, mean and standard deviation over the folds."
    ) + paragraph(comparison._notes()[0])


# ---------------------------------------------------------------------- figures
def _table_of(comparison: Any, best: str) -> str:
    """Return the sortable table."""
    source = comparison.table
    columns: list[tuple[str, str, list[str], list[Any]]] = [
        (heading, first, [f"{value:.3f}" for value in source[name]], list(source[name]))
        for heading, first, name in [
            ("accuracy", "descending", "accuracy"),
            ("+/-", "ascending", "accuracy_std"),
            *((f"{share:.0%} hidden", "descending", name) for name, share in HIDDEN_SHARES.items()),
            ("log-loss", "ascending", "log_loss"),
            ("fit s", "ascending", "fit_seconds"),
            ("predict s", "ascending", "predict_seconds"),
        ]
    ]
    counts = list(source["n_parameters"])
    logarithms = [None if count is None else math.log1p(min(count, 10**300)) for count in counts]
    columns.insert(-2, ("parameters", "ascending", [*map(readable_count, counts)], logarithms))
    head = '<th scope="col" data-kind="text" data-first="ascending"><button>model</button></th>'
    head += "".join(
        f'<th scope="col" data-first="{first}"><button>{escape(heading)}</button></th>'
        for heading, first, *_ in columns
    )
    body = ""
    for place, name in enumerate(source.index):
        cells = "".join(
            f'<td data-value="{"" if values[place] is None else values[place]}">'
            f"{escape(texts[place])}</td>"
            for *_, texts, values in columns
        )
        mark = ' class="best"' if name == best else ""
        body += f'<tr{mark}><th scope="row">{breakable(name)}</th>{cells}</tr>'
    return (
        boxed(
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>",
            caption="Select a heading to sort by it, and again for the other direction.",
            attributes=' class="numbers sortable" data-said="said"',
        )
        + '<p class="said" id="said" aria-live="polite"></p>'
    )


def _plot(comparison: Any) -> str:
    """Return the plot for wide and narrow screens, light and dark, and for paper."""
    narrow, narrow_dark = plots_of(comparison, is_narrow=True)
    wide, wide_dark = plots_of(comparison, is_narrow=False)
    is_dark, is_narrow = "(prefers-color-scheme: dark)", "(max-width: 640px)"
    return (
        "<picture>"
        f'<source media="screen and {is_narrow} and {is_dark}" srcset="{narrow_dark}">'
        f'<source media="screen and {is_narrow}" srcset="{narrow}">'
        f'<source media="screen and {is_dark}" srcset="{wide_dark}">'
        f'<img src="{wide}" alt="Accuracy of each model against the share of hidden test cells, '
        'and against its number of parameters."></picture>'
    )


def _confusion(comparison: Any, best: str) -> list[str]:
    """Return the confusion matrix of the cross-validated predictions."""
    if best not in comparison.predictions:
        return [paragraph("The predictions were not kept.")]
    classes = np.unique(comparison.labels)
    counts = confusion_matrix(comparison.labels, comparison.predictions[best], labels=classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = [escape(str(label)) for label in classes.tolist()]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row">{name}</th>'
        + "".join(
            f'<td style="--share:{60 * share:.0f}%">{count}</td>' if count else "<td></td>"
            for count, share in zip(own, own_shares, strict=True)
        )
        + "</tr>"
        for name, own, own_shares in zip(names, counts.tolist(), shares.tolist(), strict=True)
    )
    return [
        paragraph(
            "Each row of the data is counted once, as predicted when it was a test row: true "
            "classes down, predicted ones across."
        ),
        boxed(
            f'<thead><tr><th scope="col">true class</th>{head}</tr></thead><tbody>{body}</tbody>',
            caption="Number of rows",
            attributes=' class="numbers confusion"',
        ),
    ]


# ---------------------------------------------------------------------- samples
def _samples(comparison: Any, image_shape: tuple[int, int] | None) -> list[str]:
    """Return pictures or rows drawn from each generative model."""
    shown = []
    for name, model in comparison.models.items():
        if image_shape is None:
            drawn = draw(model, None, N_ROWS)
            if drawn is not None:
                shown.append(f"<h3>{escape(name)}</h3>{_rows(*drawn, comparison.columns)}")
        else:
            classes = model.classes_[:N_CLASSES]
            drawn = draw(model, np.tile(classes, N_IMAGES), N_IMAGES * len(classes))
            if drawn is not None:
                shown.append(_images(name, drawn[0], image_shape, len(classes)))
    if not shown:
        return [paragraph("No model among these is generative.")]
    what = "Rows" if image_shape is None else "Images"
    note = paragraph(
        f"{what} drawn from each generative model as fitted to all rows. Where a model cuts "
        "columns into levels, the middle of each level is shown."
    )
    if image_shape is None:
        return [note, *shown]
    return [note, f'<div class="cards">{"".join(shown)}</div>']


def _rows(rows: Any, labels: np.ndarray, columns: list[Any] | None) -> str:
    own = getattr(rows, "columns", None)
    names = list(own) if own is not None else columns or range(rows.shape[1])
    cells = rows.to_numpy(object) if own is not None else rows
    left = len(names) - N_COLUMNS
    more = f"{left} more columns are left out." if left > 0 else ""
    lines = [
        [label, *map(_readable, line[:N_COLUMNS])]
        for label, line in zip(labels.tolist(), cells, strict=True)
    ]
    return table(["label", *names[:N_COLUMNS]], lines, caption=more)


def _readable(cell: Any) -> str:
    return f"{cell:.4g}" if isinstance(cell, float | np.floating) else str(cell)


def _images(name: str, rows: Any, image_shape: tuple[int, int], n_columns: int) -> str:
    picture = images_of(np.asarray(rows, dtype=np.float64), image_shape, n_columns)
    label = escape(name)
    return (
        f'<figure><img src="{picture}" alt="Images drawn from {label}, a column for each class.">'
        f"<figcaption>{label}</figcaption></figure>"
    )


# ---------------------------------------------------------------------- origin
def _searches(comparison: Any) -> list[str]:
    """Return what was searched for each model, and what was chosen on all rows."""
    rows = []
    for name, model in comparison.models.items():
        chosen = "; ".join(f"{key} = {value!r}" for key, value in model.best_params_.items())
        grids = model.param_grid if isinstance(model.param_grid, list) else [model.param_grid]
        tried = " | ".join(
            "; ".join(f"{key} in {values!r}" for key, values in grid.items()) for grid in grids
        )
        steps = " > ".join(_written(step) for _, step in model.best_estimator_.steps[1:])
        n_tried = len(ParameterGrid(model.param_grid)) if tried else 0
        rows.append((name, n_tried or "", tried or "nothing: fixed", chosen, steps))
    head = "".join(
        f'<th scope="col">{each}</th>'
        for each in ("model", "candidates", "searched", "chosen on all rows", "steps as fitted")
    )
    body = "".join(
        f'<tr><th scope="row">{breakable(name)}</th><td>{n_tried}</td>'
        + "".join(f"<td><code>{escape(text)}</code></td>" for text in texts)
        + "</tr>"
        for name, n_tried, *texts in rows
    )
    return [
        paragraph(
            "Inside each training fold, the candidates were compared by log-loss on folds of its "
            "own. The last columns show the choice of one more search, on all rows."
        ),
        boxed(f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>", caption="Searches"),
    ]


def _written(step: Any) -> str:
    """Return a step as code, on one line and without the places of functions in memory."""
    return re.sub(r"<function ([\w.<>]+) at 0x[0-9a-f]+>", r"\1", " ".join(repr(step).split()))


def _data(comparison: Any) -> str:
    rows, columns, _ = comparison.shape
    pairs = [("rows", rows), ("columns", columns)]
    if comparison.labels is not None:
        classes, counts = np.unique(comparison.labels, return_counts=True)
        listed = zip(classes.tolist(), counts.tolist(), strict=True)
        pairs.append(("classes", ", ".join(f"{label} ({count})" for label, count in listed)))
    if comparison.columns is not None:
        pairs.append(("names of columns", ", ".join(map(str, comparison.columns))))
    return facts(pairs)


def _origin(comparison: Any, command: str | None) -> str:
    seed = comparison.random_state
    is_seed = seed is None or isinstance(seed, int | np.integer)
    versions = [f"Python {python_version()}"]
    versions.append(f"skdgm {sys.modules[__name__.partition('.')[0]].__version__}")
    for package in PEERS:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:  # vendored, or without metadata
            continue
    pairs = [
        ("command", command),
        ("seed", seed if is_seed else type(seed).__name__),
        ("folds", comparison.folds),
        ("versions", ", ".join(versions)),
    ]
    return facts([(name, value) for name, value in pairs if name != "command" or value])
