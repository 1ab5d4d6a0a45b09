"""Tables of mixed columns: held-out likelihood, imputation, and classifiers of sampled rows.

usage: python benchmarks/tables.py --data FOLDER [--tables NAME ...] [--parts likelihood ...]
       [--out FILE.md]

Works on every CSV file in FOLDER/tables, as pandas reads it, with one recipe for all. Columns of a
single value and identifiers, as ``TableDensity`` finds them, are left out.

- likelihood: mean log-likelihood of held-out rows (30 %), in nats, of ``TableDensity``, each of its
  families alone, independent columns, and lace (Bayesian cross-categorisation, if ``pylace`` is
  installed). Counts and continuous columns get uniform noise of one rounding step, the same for all
  models, and are standardised by the training rows; other columns are categories. Categories that
  training lacks are missing for all. Where there are two columns of numbers, their marginal is
  compared with a Gaussian copula and with scikit-learn's ``GaussianMixture`` (components by BIC),
  which learn from the complete rows of these columns alone.
- imputation: 20 % and 40 % of the cells are removed at random, but never a whole row or column. The
  error of a column is the root mean square error over the standard deviation, or for text and two
  values the share of errors over that of the mode. ``KNNImputer`` and ``IterativeImputer`` see
  standardised numbers and one-hot categories, forests see numbers and codes.
- sampled: accuracy on real rows (30 %) of boosted trees that are trained on real rows and on as
  many sampled ones, for tables whose last column is binary or categorical.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import OrdinalEncoder

from skdgm import (
    BaggingDensity,
    CategoricalIndependentDensity,
    DensityImputer,
    GaussianDensity,
    NormalScoreTransformer,
    TableDensity,
    TransformedDensity,
)

try:
    import lace
except ImportError:
    lace = None

TRAINING_SHARE = 0.7
LACE_STATES, LACE_STEPS = 16, 500
MOST_COMPONENTS = 10


class Report:
    """Prints lines, and appends them to a file if there is one."""

    def __init__(self, file):
        self.file = file and Path(file)
        if self.file:
            self.file.write_text("")

    def line(self, text=""):
        """Print a line."""
        print(text, flush=True)
        if self.file:
            with self.file.open("a") as out:
                out.write(text + "\n")

    def head(self, title, *columns):
        """Begin a table; the first two columns hold text."""
        self.line(f"\n## {title}\n")
        self.row(*columns)
        self.row(*["---"] * 2, *["---:"] * (len(columns) - 2))

    def row(self, *cells):
        """Print a row of a table."""
        self.line("| " + " | ".join(map(str, cells)) + " |")


def read_tables(folder, names):
    """Yield the name and the frame of each table, and the kinds of its columns."""
    for file in sorted((Path(folder) / "tables").glob("*.csv")):
        if not names or file.stem in names:
            table = pd.read_csv(file)
            kinds = TableDensity(CategoricalIndependentDensity()).fit(table).column_kinds_
            kept = [name for name in table if kinds[name] not in ("constant", "identifier")]
            yield file.stem, table[kept], [kinds[name] for name in kept]


def timed(function, *arguments):
    """Return what a function returns, and the seconds it takes."""
    start = time.perf_counter()
    answer = function(*arguments)
    return answer, time.perf_counter() - start


def compile_kernels():
    """Fit, score and impute a small table, so that no later time includes compilation."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 2)), columns=["x", "y"])
    frame["n"], frame["c"] = rng.poisson(9, 300), rng.choice(["a", "b", "c"], 300)
    density = TableDensity(random_state=0).fit(frame)
    density.score_samples(frame)
    density.sample(10, random_state=0)
    frame = frame.mask(rng.random(frame.shape) < 0.2)
    TableDensity(random_state=0).fit(frame).score_samples(frame)
    DensityImputer(random_state=0).fit_transform(frame)


# ---------------------------------------------------------------------- likelihood
def rounding_step(values):
    """Return the smallest distance between values, apart from errors of floating point."""
    gaps = np.diff(np.unique(values))
    return gaps[gaps > 1e-9 * np.ptp(values)].min()


def dithered(table, kinds, rng):
    """Return numbers with noise of their rounding step, and all others as text."""
    columns = {}
    for (name, column), kind in zip(table.items(), kinds, strict=True):
        if kind in ("count", "continuous"):
            noise = rng.random(len(column)) - 0.5
            columns[name] = column.astype(float) + noise * rounding_step(column.dropna())
        else:
            columns[name] = [None if cell != cell else f"v{cell}" for cell in column]
    return pd.DataFrame(columns)


def divided(table, rng):
    """Return training and test rows; numbers are standardised, and no category is new."""
    order = rng.permutation(len(table))
    cut = int(TRAINING_SHARE * len(table))
    train, test = (table.iloc[rows].reset_index(drop=True) for rows in (order[:cut], order[cut:]))
    train = train.loc[:, train.nunique() > 1].copy()
    test = test[list(train)].copy()
    for name, own in train.items():
        if own.dtype.kind == "f":
            mean, spread = own.mean(), own.std()
            train[name], test[name] = (own - mean) / spread, (test[name] - mean) / spread
        else:
            test[name] = test[name].where(test[name].isin(own.dropna()), None)
    return train, test


def table_scores(density, train, test):
    """Fit a table density and score rows; return the density too."""
    density.fit(train)
    return density, density.score_samples(test)


def family_scores(density, M, M_test):
    """Score by one family, with a member per fold."""
    return density.fit(M).score_samples(M_test)


def lace_scores(train, test):
    """Score by the mean density over Markov chains, of the observed cells of each row."""
    frame = train.set_index(pd.Index([f"r{i}" for i in range(len(train))], name="row"))
    engine = lace.Engine.from_df(frame, n_states=LACE_STATES, rng_seed=0)
    engine.update(LACE_STEPS)
    scores = np.zeros(len(test))
    seen = test.notna()
    for rows in seen.groupby(list(seen)).indices.values():
        names = list(seen.columns[seen.iloc[rows[0]]])
        if names:
            own = test.iloc[rows][names].reset_index(drop=True)
            scores[rows] = np.asarray(engine.logp(own), dtype=float)
    return scores


def copula_scores(train, test):
    """Score by a normal of normal scores."""
    density = TransformedDensity(NormalScoreTransformer(), GaussianDensity())
    return density.fit(train).score_samples(test)


def gaussian_mixture_scores(train, test):
    """Score by the mixture of normals that the BIC chooses."""
    models = [GaussianMixture(k, random_state=0) for k in range(1, MOST_COMPONENTS + 1)]
    return min(
        (model.fit(train) for model in models), key=lambda own: own.bic(train)
    ).score_samples(test)


def scores_of_all(train, test):
    """Return the scores of test rows under each model and its seconds, by name."""
    auto = TableDensity(random_state=0, handle_unknown="missing")
    (_, own), seconds = timed(table_scores, auto, train, test)
    scores = {"auto": (own, seconds)}
    stack, coding = auto.density_, auto._coding
    (_, M, _), (_, M_test, log_share) = (
        coding.forward(auto._schema.read(rows)) for rows in (train, test)
    )
    n_folds = len(stack.densities_[0].densities_)
    for family, density in stack._families(M, len(M)).items():
        bag = BaggingDensity(density, n_folds, random_state=0)
        own, seconds = timed(family_scores, bag, M, M_test)
        scores[family] = own + log_share, seconds
    alone = TableDensity(CategoricalIndependentDensity(), handle_unknown="missing")
    (_, own), seconds = timed(table_scores, alone, train, test)
    scores["independent columns"] = own, seconds
    if lace is not None:
        scores["lace"] = timed(lace_scores, train, test)
    return auto, scores


def scores_of_numbers(auto, train, test):
    """Return the scores of complete rows of the columns of numbers, as ``scores_of_all`` does."""
    names = [name for name in train if train[name].dtype.kind == "f"]
    numbers, queries = train[names].dropna().to_numpy(), test[names].dropna()
    if len(names) < 2 or len(numbers) < len(train) / 2:
        return {}
    marginal = queries.reindex(columns=list(test)).astype(test.dtypes)
    return {
        "auto": timed(auto.score_samples, marginal),
        "copula": timed(copula_scores, numbers, queries.to_numpy()),
        "GaussianMixture": timed(gaussian_mixture_scores, numbers, queries.to_numpy()),
    }


def likelihoods(tables, report):
    """Report held-out log-likelihoods."""
    title = "Held-out log-likelihood, nats per row; time to fit and score"
    report.head(title, "table", "model", "score", "auto ahead by", "error", "seconds")
    found = []
    for name, table, kinds in tables:
        rng = np.random.default_rng(0)
        train, test = divided(dithered(table, kinds, rng), rng)
        auto, scores = scores_of_all(train, test)
        for label, group in (
            (name, scores),
            (f"{name}, numbers", scores_of_numbers(auto, train, test)),
        ):
            for model, (own, seconds) in group.items():
                gap = group["auto"][0] - own
                error = gap.std() / np.sqrt(len(gap))
                told = (f"{gap.mean():.2f}", f"{error:.2f}") if model != "auto" else ("", "")
                report.row(label, model, f"{own.mean():.2f}", *told, f"{seconds:.1f}")
                found.append((label, model, gap.mean(), error, seconds / group["auto"][1]))
    if lace is None:
        report.line("\nlace is not installed (pip install pylace), so it is left out.")
    report.head(
        "auto beside each model",
        *("model", "tables", "mean gain", "least gain", "ahead", "behind by > .1", "time / auto's"),
    )
    summary = pd.DataFrame(found, columns=["table", "model", "gain", "error", "time"])
    on_all = ~summary["table"].str.endswith(", numbers")
    for model, own in summary[summary["model"] != "auto"].groupby("model", sort=False):
        time_ratio = f"{own['time'].median():.2f}" if on_all[own.index].all() else ""
        gain = own["gain"]
        counts = (gain > 0).sum(), (gain < -0.1).sum()
        report.row(model, len(own), f"{gain.mean():.2f}", f"{gain.min():.2f}", *counts, time_ratio)


# ---------------------------------------------------------------------- imputation
def encoded(table, is_category):
    """Return the table as numbers and codes of categories, and a function that encodes another."""
    values = [np.unique(table[name].dropna()) for name in table]

    def encode(frame):
        X = np.full(frame.shape, np.nan)
        for place, own in enumerate(frame.columns):
            seen = frame[own].notna().to_numpy()
            cells = frame[own].to_numpy()[seen]
            if is_category[place]:
                X[seen, place] = np.searchsorted(values[place], cells.astype(values[place].dtype))
            else:
                X[seen, place] = cells.astype(float)
        return X

    return encode(table), encode


def some_removed(X, share, rng):
    """Return a mask of cells to remove, which leaves a cell in each row and column."""
    seen = ~np.isnan(X)
    removed = (rng.random(X.shape) < share) & seen
    for mask, own in ((removed, seen), (removed.T, seen.T)):
        for row in np.flatnonzero((mask == own).all(axis=1) & own.any(axis=1)):
            mask[row, rng.choice(np.flatnonzero(own[row]))] = False
    return removed


def by_modes(X, is_category):
    """Impute means, and modes of categories."""
    fill = [
        np.bincount(own[~np.isnan(own)].astype(int)).argmax() if category else np.nanmean(own)
        for own, category in zip(X.T, is_category, strict=True)
    ]
    return np.where(np.isnan(X), fill, X)


def one_hot(X, is_category):
    """Return standardised numbers, and zeros and ones for codes, NaN where missing."""
    parts = []
    for own, category in zip(X.T, is_category, strict=True):
        if category:
            codes = np.unique(own[~np.isnan(own)])
            bits = (own[:, np.newaxis] == codes).astype(float)
            bits[np.isnan(own)] = np.nan
            parts.append((bits, codes))
        else:
            spread = np.nanstd(own) or 1.0
            parts.append((((own - np.nanmean(own)) / spread)[:, np.newaxis], None))
    return parts


def by_numbers(imputer, X, is_category):
    """Impute by an imputer of numbers; of the columns of a category the largest tells its code."""
    parts = one_hot(X, is_category)
    ends = np.cumsum([bits.shape[1] for bits, _ in parts])[:-1]
    found = np.split(imputer.fit_transform(np.hstack([bits for bits, _ in parts])), ends, axis=1)
    completed = X.copy()
    for place, (own, (_, codes)) in enumerate(zip(found, parts, strict=True)):
        rows = np.isnan(X[:, place])
        if codes is not None:
            completed[rows, place] = codes[own[rows].argmax(axis=1)]
        else:
            column = X[:, place]
            completed[rows, place] = np.nanmean(column) + own[rows, 0] * np.nanstd(column)
    return completed


def by_forests(X, is_category, rounds=10):
    """Chain a forest per column until the change of the cells rises, as missForest does."""
    missing = np.isnan(X)
    completed = by_modes(X, is_category)
    last = np.array([np.inf, np.inf])
    holes_of_numbers, holes_of_codes = missing & ~is_category, missing & is_category
    for _ in range(rounds):
        before = completed.copy()
        for column in np.argsort(missing.sum(axis=0), kind="stable"):
            rows = missing[:, column]
            if not rows.any():
                continue
            family = RandomForestClassifier if is_category[column] else RandomForestRegressor
            others = np.delete(completed, column, axis=1)
            forest = family(100, n_jobs=-1, random_state=0).fit(others[~rows], X[~rows, column])
            completed[rows, column] = forest.predict(others[rows])
        own = completed[holes_of_numbers]
        change = np.array(
            [
                np.sum((own - before[holes_of_numbers]) ** 2) / max(np.sum(own**2), 1e-300),
                np.mean((completed != before)[holes_of_codes]) if holes_of_codes.any() else 0.0,
            ]
        )
        if (change >= last).all():
            return before
        last = change
    return completed


IMPUTERS = {
    "mean or mode": by_modes,
    "KNNImputer": lambda X, is_category: by_numbers(KNNImputer(), X, is_category),
    "IterativeImputer": lambda X, is_category: by_numbers(
        IterativeImputer(n_nearest_features=20, random_state=0), X, is_category
    ),
    "chained forests": by_forests,
}


def error_of(completed, X, removed, is_category):
    """Return the mean over columns of the normalised errors of removed cells."""
    errors, modes = [], by_modes(np.where(removed, np.nan, X), is_category)
    for column in np.flatnonzero(removed.any(axis=0)):
        rows = removed[:, column]
        truth, own = X[rows, column], completed[rows, column]
        if is_category[column]:
            usual = np.mean(modes[rows, column] != truth)
            if usual:
                errors.append(np.mean(own != truth) / usual)
        else:
            errors.append(np.sqrt(np.mean((own - truth) ** 2)) / np.nanstd(X[:, column]))
    return np.mean(errors)


def imputations(tables, report):
    """Report the errors of imputers."""
    title = "Normalised error of removed cells"
    report.head(title, "table", "imputer", "removed", "error", "seconds")
    found = []
    for name, table, kinds in tables:
        is_category = np.isin(kinds, ["binary", "categorical"]) | np.array(
            [own.kind not in "biuf" for own in table.dtypes]
        )
        X, encode = encoded(table, is_category)
        for share in (0.2, 0.4):
            removed = some_removed(X, share, np.random.default_rng(0))
            hidden = np.where(removed, np.nan, X)
            frame = table.mask(removed)
            for imputer, impute in IMPUTERS.items():
                completed, seconds = timed(impute, hidden, is_category)
                found.append(
                    (name, share, imputer, error_of(completed, X, removed, is_category), seconds)
                )
            completed, seconds = timed(DensityImputer(random_state=0).fit_transform, frame)
            error = error_of(encode(completed), X, removed, is_category)
            found.append((name, share, "DensityImputer", error, seconds))
            for row in found[-len(IMPUTERS) - 1 :]:
                report.row(name, row[2], f"{share:.0%}", f"{row[3]:.3f}", f"{row[4]:.1f}")
    summary = pd.DataFrame(found, columns=["table", "share", "imputer", "error", "seconds"])
    errors = summary.pivot(index=["table", "share"], columns="imputer", values="error")
    seconds = summary.pivot(index=["table", "share"], columns="imputer", values="seconds")
    lowest = errors.idxmin(axis=1)
    report.head(
        "Mean over tables", "imputer", "tables", "mean error", "lowest on", "median time / forests'"
    )
    for imputer in summary["imputer"].unique():
        ratio = (seconds[imputer] / seconds["chained forests"]).median()
        wins = (lowest == imputer).sum()
        report.row(imputer, len(errors), f"{errors[imputer].mean():.3f}", wins, f"{ratio:.2f}")


# ---------------------------------------------------------------------- sampled rows
def accuracies(tables, report):
    """Report accuracies of classifiers trained on real and on sampled rows."""
    title = "Accuracy on real rows of boosted trees trained on real and on sampled rows"
    report.head(
        title, "table", "target", "real", "sampled", "error of difference", "seconds to sample"
    )
    for name, table, kinds in tables:
        if kinds[-1] not in ("binary", "categorical"):
            continue
        target = table.columns[-1]
        table = table.dropna(subset=[target])
        order = np.random.default_rng(0).permutation(len(table))
        cut = int(TRAINING_SHARE * len(table))
        train, test = table.iloc[order[:cut]], table.iloc[order[cut:]]
        sampled, seconds = timed(sampled_rows, train)
        real, other = (hits(rows, test, target) for rows in (train, sampled))
        error = (real - other).std() / np.sqrt(len(test))
        report.row(
            *(name, target, f"{real.mean():.3f}", f"{other.mean():.3f}"),
            *(f"{error:.3f}", f"{seconds:.1f}"),
        )


def sampled_rows(train):
    """Return as many rows as there are, from a density fitted to them."""
    return TableDensity(random_state=0).fit(train).sample(len(train), random_state=0)


def hits(train, test, target):
    """Return 1 for each test row that boosted trees classify correctly, and 0 for others."""
    unseen = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
    coder = OrdinalEncoder(**unseen, encoded_missing_value=-1)
    names = [name for name in train if name != target]
    text = [name for name in names if train[name].dtype.kind not in "biuf"]
    numbers = [name for name in names if name not in text]
    coder.fit(train[text])
    X, X_test = (
        np.hstack([coder.transform(rows[text]), rows[numbers].astype(float)])
        for rows in (train, test)
    )
    model = HistGradientBoostingClassifier(random_state=0).fit(X, train[target].astype(str))
    return (model.predict(X_test) == test[target].astype(str)).to_numpy().astype(float)


PARTS = {"likelihood": likelihoods, "imputation": imputations, "sampled": accuracies}


def main():
    """Run the parts that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--tables", nargs="*")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    compile_kernels()
    tables = list(read_tables(options.data, options.tables))
    report = Report(options.out)
    for part in options.parts:
        PARTS[part](tables, report)


if __name__ == "__main__":
    main()
