"""Tables of mixed columns: held-out likelihood, imputation, and classifiers of sampled rows.

usage: python benchmarks/tables.py --data FOLDER [--tables NAME ...] [--parts likelihood ...]

Works on every CSV file in FOLDER/tables, as pandas reads it. No table's name stands here.

- likelihood: mean log-likelihood of held-out rows (30 %), in nats, of ``TableDensity``, each of its
  families alone, independent columns, lace (Bayesian cross-categorisation, if ``pylace`` is
  installed), and where all columns are numbers ``GaussianMixture`` (components by BIC) and a
  Gaussian copula. Numbers get uniform noise of one rounding step, the same for all models, and are
  standardised; other columns are categories. Categories that training lacks are missing for all.
- imputation: 20 % and 40 % of the cells are removed at random; the error of a column is the root
  mean square error over the standard deviation, or the share of errors over that of the mode.
- sampled: accuracy on real rows of a classifier trained on real rows and on sampled ones, for
  tables whose last column has from 2 to 10 values.
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
    BinnedDensity,
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

NEGLIGIBLE = 1e-3  # weight of a family that is left out of the average
LACE_STATES, LACE_STEPS = 16, 500
FEW_VALUES = 10  # up to which numbers are categories


def read_tables(folder, names):
    """Yield the name and the frame of each table."""
    for file in sorted((Path(folder) / "tables").glob("*.csv")):
        if not names or file.stem in names:
            yield file.stem, pd.read_csv(file)


def timed(function, *arguments):
    """Return what a function returns, and the seconds it takes."""
    start = time.perf_counter()
    answer = function(*arguments)
    return answer, time.perf_counter() - start


# ---------------------------------------------------------------------- likelihood
def dithered(table, rng):
    """Numbers with noise of their rounding step and of variance 1, and all others as text."""
    columns = {}
    for name, column in table.items():
        observed = column.dropna()
        values = np.unique(observed.astype(str))
        if len(values) < 2 or (len(values) == len(table) and observed.dtype.kind not in "f"):
            continue  # constant, or an identifier
        if observed.dtype.kind in "iuf" and observed.nunique() > FEW_VALUES:
            step = np.diff(np.unique(observed)).min()
            numbers = column.astype(float) + step * (rng.random(len(column)) - 0.5)
            columns[name] = (numbers - numbers.mean()) / numbers.std()
        elif len(values) <= len(table) / 2:
            columns[name] = (
                column.astype(object)
                .where(column.notna(), None)
                .map(lambda value: None if value is None else f"v{value}")
            )
    return pd.DataFrame(columns)


def without_new(train, test):
    """Return test rows in which categories that training lacks are missing."""
    test = test.copy()
    for name in test:
        if test[name].dtype.kind != "f":
            test[name] = test[name].where(test[name].isin(train[name].dropna().unique()), None)
    return test


def lace_scores(train, test):
    """Mean over Markov chains of the density of the observed cells of each row, as a logarithm."""
    frame = train.set_index(pd.Index(range(len(train)), name="row"))
    engine = lace.Engine.from_df(frame, n_states=LACE_STATES, rng_seed=0)
    engine.update(LACE_STEPS)
    scores = np.empty(len(test))
    for pattern, rows in test.notna().groupby(list(test)).indices.items():
        names = test.columns[list(np.atleast_1d(pattern))]
        own = test.iloc[rows][names]
        found = engine.logp(own) if len(names) else np.zeros(len(own))
        scores[rows] = np.asarray(found, dtype=float)
    return scores


def copula_scores(train, test):
    """Score by normals of normal scores."""
    density = TransformedDensity(NormalScoreTransformer(), GaussianDensity(shrinkage=0.05))
    return density.fit(train.to_numpy()).score_samples(test.to_numpy())


def gaussian_mixture_scores(train, test):
    """Score by the mixture of 1 to 10 normals that the BIC chooses."""
    models = [GaussianMixture(k, random_state=0, reg_covar=1e-4) for k in range(1, 11)]
    best = min((model.fit(train) for model in models), key=lambda model: model.bic(train))
    return best.score_samples(test)


def likelihoods(tables):
    """Print held-out log-likelihoods."""
    print("\nHeld-out log-likelihood, nats per row (seconds to fit and score)")
    lost = 0
    for name, table in tables:
        rng = np.random.default_rng(0)
        table = dithered(table, rng)
        order = rng.permutation(len(table))
        cut = int(0.7 * len(table))
        train = table.iloc[order[:cut]].reset_index(drop=True)
        test = without_new(train, table.iloc[order[cut:]].reset_index(drop=True))
        density, seconds = timed(TableDensity(random_state=0, handle_unknown="missing").fit, train)
        scores = {"auto": (density.score_samples(test), seconds)}
        _, M, log_share = density._coding.forward(density._schema.read(test))
        stack = density.density_
        kept = [own for own, told in density.candidates_.items() if told["weight"] > NEGLIGIBLE]
        for family, own in zip(kept, stack.densities_, strict=True):
            scores[family] = own._log_prob(own._encode(M)) + log_share, np.nan
        kinds = [column.model_kind for column in density._coding.in_model]
        alone = BinnedDensity(CategoricalIndependentDensity(), kinds=kinds)
        X = density._coding.forward(density._schema.read(train))[1]
        if "independent" not in scores:
            found, seconds = timed(alone.fit(X).score_samples, M)
            scores["independent"] = found + log_share, seconds
        if lace is not None:
            scores["lace"] = timed(lace_scores, train, test)
        if all(dtype.kind == "f" for dtype in table.dtypes) and not table.isna().any(axis=None):
            scores["copula"] = timed(copula_scores, train, test)
            scores["GaussianMixture"] = timed(gaussian_mixture_scores, train, test)
        best = scores["auto"][0]
        print(f"{name}: {len(train)} rows, {table.shape[1]} columns")
        for model, (own, seconds) in scores.items():
            gap = best - own
            error = gap.std() / np.sqrt(len(gap))
            told = "" if model == "auto" else f"  auto is ahead by {gap.mean():6.2f} +- {error:.2f}"
            print(f"  {model:<20} {own.mean():8.2f} ({seconds:5.1f} s){told}")
            lost += gap.mean() < -0.1
    print(f"models more than .1 nats ahead of auto: {lost}")
    if lace is None:
        print("lace is not installed (pip install pylace), so it is left out")


# ---------------------------------------------------------------------- imputation
def encoded(table):
    """Return the table as standardised numbers and codes, and a mask of the categories."""
    is_text = np.array([d.kind not in "iuf" for d in table.dtypes])
    few = table.nunique().to_numpy() <= 2
    category = is_text | few
    X = np.empty(table.shape)
    for place, name in enumerate(table):
        column = table[name]
        if category[place]:
            codes = pd.Categorical(column).codes.astype(float)
            X[:, place] = np.where(codes < 0, np.nan, codes)
        else:
            own = column.astype(float)
            X[:, place] = (own - own.mean()) / own.std()
    return X, category


def one_hot(X, category):
    """Return codes as columns of zeros and ones beside the numbers, NaN where missing."""
    parts, places = [], []
    for place, own in enumerate(X.T):
        if not category[place]:
            parts.append(own[:, np.newaxis])
        else:
            n_values = int(np.nanmax(own)) + 1
            bits = (own[:, np.newaxis] == np.arange(n_values)).astype(float)
            bits[np.isnan(own)] = np.nan
            parts.append(bits)
        places.append(parts[-1].shape[1])
    return np.hstack(parts), places


def by_numbers(imputer, X, category):
    """Impute by an imputer of numbers, with categories one-hot; the largest says which."""
    table, widths = one_hot(X, category)
    completed = np.split(imputer.fit_transform(table), np.cumsum(widths)[:-1], axis=1)
    return np.column_stack(
        [
            own.argmax(axis=1) if is_one else own[:, 0]
            for own, is_one in zip(completed, category, strict=True)
        ]
    )


def by_forests(X, category, rounds=10):
    """Chain a forest per column, as missForest does, until the completed cells settle."""
    missing = np.isnan(X)
    completed = by_modes(X, category)
    last = np.inf
    for _ in range(rounds):
        before = completed.copy()
        for column in np.argsort(missing.sum(axis=0)):
            rows = missing[:, column]
            if not rows.any():
                continue
            family = RandomForestClassifier if category[column] else RandomForestRegressor
            others = np.delete(completed, column, axis=1)
            forest = family(100, n_jobs=-1, random_state=0)
            forest.fit(others[~rows], X[~rows, column])
            completed[rows, column] = forest.predict(others[rows])
        change = np.square(completed - before)[missing].sum() / np.square(completed[missing]).sum()
        if change >= last:
            return before
        last = change
    return completed


def by_modes(X, category):
    """Impute means, and modes of categories."""
    fill = [
        np.bincount(own[~np.isnan(own)].astype(int)).argmax() if is_one else np.nanmean(own)
        for own, is_one in zip(X.T, category, strict=True)
    ]
    return np.where(np.isnan(X), fill, X)


def by_density(X, category):
    """Impute by the default of DensityImputer, which sees categories as text."""
    frame = pd.DataFrame(X)
    for column in np.flatnonzero(category):
        frame[column] = frame[column].map(lambda code: None if code != code else f"v{int(code):04}")
    completed = DensityImputer(random_state=0).fit_transform(frame)
    for column in np.flatnonzero(category):
        completed[column] = completed[column].str[1:].astype(float)
    return completed.to_numpy(dtype=float)


def error_of(completed, X, removed, category):
    """Mean over columns of the normalised errors of removed cells."""
    errors, modes = [], by_modes(np.where(removed, np.nan, X), category)
    for column, rows in enumerate(removed.T):
        if not rows.any():
            continue
        truth, own = X[rows, column], completed[rows, column]
        if category[column]:
            baseline = np.mean(modes[rows, column] != truth)
            if baseline:
                errors.append(np.mean(own != truth) / baseline)
        else:
            errors.append(np.sqrt(np.mean((own - truth) ** 2)) / np.nanstd(X[:, column]))
    return np.mean(errors)


IMPUTERS = {
    "mean or mode": by_modes,
    "KNNImputer": lambda X, category: by_numbers(KNNImputer(), X, category),
    "IterativeImputer": lambda X, category: by_numbers(
        IterativeImputer(max_iter=5, random_state=0, n_nearest_features=20), X, category
    ),
    "chained forests": by_forests,
    "DensityImputer": by_density,
}


def imputations(tables):
    """Print the errors of imputers."""
    print("\nNormalised error of removed cells (seconds)")
    errors = []
    for name, table in tables:
        keep = [column for column in table if 1 < table[column].nunique() <= len(table) / 2
                or (table[column].nunique() > 1 and table[column].dtype.kind == "f")]  # fmt: skip
        X, category = encoded(table[keep])
        for share in (0.2, 0.4):
            removed = (np.random.default_rng(1).random(X.shape) < share) & ~np.isnan(X)
            hidden = np.where(removed, np.nan, X)
            seen = ~np.isnan(hidden).all(axis=0)
            row = {}
            for imputer, impute in IMPUTERS.items():
                found, seconds = timed(impute, hidden[:, seen], category[seen])
                row[imputer] = error_of(found, X[:, seen], removed[:, seen], category[seen])
                print(f"{name:<16} {share:.0%} {imputer:<17} {row[imputer]:.3f} ({seconds:.1f} s)")
            errors.append(row)
    summary = pd.DataFrame(errors)
    wins = summary.eq(summary.min(axis=1), axis=0).sum()
    for imputer in summary:
        print(f"{imputer:<17} mean {summary[imputer].mean():.3f}, best on {wins[imputer]}")


# ---------------------------------------------------------------------- sampled rows
def accuracies(tables):
    """Print accuracies of classifiers trained on real and on sampled rows."""
    print("\nAccuracy on real rows, trained on real and on sampled rows")
    for name, table in tables:
        target = table.columns[-1]
        table = table.dropna(subset=[target])
        if not 2 <= table[target].nunique() <= FEW_VALUES:
            continue
        order = np.random.default_rng(0).permutation(len(table))
        train, test = (
            table.iloc[order[: int(0.7 * len(table))]],
            table.iloc[order[int(0.7 * len(table)) :]],
        )
        sampled = TableDensity(random_state=0).fit(train).sample(len(train), random_state=0)
        found = [accuracy(rows, test, target) for rows in (train, sampled)]
        print(f"{name:<16} real {found[0]:.3f}, sampled {found[1]:.3f}")


def accuracy(train, test, target):
    """Return the accuracy of boosted trees on rows of a test."""
    coder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
    )
    text = [c for c in train if train[c].dtype.kind not in "iufb" and c != target]
    others = [column for column in train if column not in text and column != target]
    coder.fit(train[text].astype(str))
    X, Y = (
        np.hstack([coder.transform(rows[text].astype(str)), rows[others].astype(float)])
        for rows in (train, test)
    )
    model = HistGradientBoostingClassifier(random_state=0)
    return model.fit(X, train[target].astype(str)).score(Y, test[target].astype(str))


PARTS = {"likelihood": likelihoods, "imputation": imputations, "sampled": accuracies}


def main():
    """Run the parts that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--tables", nargs="*")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    tables = list(read_tables(options.data, options.tables))
    for part in options.parts:
        PARTS[part](tables)


if __name__ == "__main__":
    main()
