"""TransformedDensity: closed forms, integrals, and other densities around and behind it."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from skdgm import (
    ColumnDensity,
    DensityImputer,
    GaussianDensity,
    GenerativeClassifier,
    MixtureDensity,
    TransformedDensity,
)

from .rows import hide
from .transformers import (
    COLUMNWISE,
    CORRELATED,
    CURVES,
    DATA,
    KINDS,
    ROTATIONS,
    SCALERS,
    LogTransformer,
    PowerOf,
    fitted,
    kinds,
    quadrature_rule,
    quantile,
    rows_beyond,
)


# ---------------------------------------------------------------------- closed forms
@pytest.mark.parametrize(
    "transformer",
    [transformer for transformer, _ in (SCALERS | ROTATIONS).values()],
    ids=list(SCALERS | ROTATIONS),
)
def test_a_normal_behind_an_affine_map_is_a_normal(transformer):
    X = DATA["normal"]
    density = TransformedDensity(transformer, GaussianDensity(reg_covar=0)).fit(X)
    normal = GaussianDensity(reg_covar=0).fit(X)
    rows = rows_beyond(X, 1)
    reference = stats.multivariate_normal(X.mean(axis=0), np.cov(X.T, bias=True))
    assert_allclose(density.score_samples(rows), reference.logpdf(rows), rtol=1e-9, atol=1e-12)
    assert density.n_parameters_ == normal.n_parameters_ == 5
    assert_allclose(density.bic(X), normal.bic(X), rtol=1e-9)
    drawn = density.sample(40_000, random_state=0)
    assert_allclose(drawn.mean(axis=0), X.mean(axis=0), atol=0.03)
    assert_allclose(np.cov(drawn.T), np.cov(X.T), atol=0.04)


@kinds(SCALERS)
def test_missing_values_behind_a_scaler_agree_with_a_plain_normal(kind):
    X = hide(DATA["normal"], 0.3, seed=1)
    normal = GaussianDensity(reg_covar=0, tol=1e-12, max_iter=2000).fit(X)
    density = TransformedDensity(SCALERS[kind][0], clone(normal)).fit(X)
    for call in ("score_samples", "conditional_mean", "conditional_mode"):
        assert_allclose(getattr(density, call)(X), getattr(normal, call)(X), atol=1e-5)
    drawn, expected = (model.conditional_sample(X, random_state=2) for model in (density, normal))
    assert_allclose(drawn, expected, atol=1e-4)  # the same numbers, scaled


def test_a_log_normal_has_its_closed_form():
    X = DATA["log-normal"]
    density = TransformedDensity(LogTransformer(), GaussianDensity(reg_covar=0)).fit(X)
    mean, covariance = np.log(X).mean(axis=0), np.cov(np.log(X).T, bias=True)
    normal = stats.multivariate_normal(mean, covariance)
    expected = normal.logpdf(np.log(X)) - np.log(X).sum(axis=1)
    assert_allclose(density.score_samples(X), expected, rtol=1e-9, atol=1e-12)
    rows = np.column_stack([X[:, 0], np.full(len(X), np.nan)])
    marginal = stats.lognorm(np.sqrt(covariance[0, 0]), scale=np.exp(mean[0]))
    assert_allclose(density.score_samples(rows), marginal.logpdf(X[:, 0]), rtol=1e-9, atol=1e-12)
    # E exp(z) = exp(mean + variance / 2)
    gain = covariance[0, 1] / covariance[0, 0]
    of_log = mean[1] + gain * (np.log(X[:, 0]) - mean[0])
    variance = covariance[1, 1] - gain * covariance[0, 1]
    completed = density.conditional_mean(rows)
    assert_allclose(completed[:, 1], np.exp(of_log + variance / 2), rtol=1e-10)
    assert_allclose(density.conditional_mode(rows)[:, 1], np.exp(of_log), rtol=1e-10)
    nothing = np.full((1, 2), np.nan)
    expected = np.exp(mean + np.diag(covariance) / 2)
    assert_allclose(density.conditional_mean(nothing)[0], expected, rtol=1e-10)


def test_a_normal_copula_has_the_margins_of_the_data():
    X = np.random.default_rng(0).exponential(size=(3000, 2))
    density = TransformedDensity(quantile("normal", 1000), GaussianDensity()).fit(X)
    drawn = density.sample(20_000, random_state=0)
    for column in (0, 1):
        assert stats.ks_2samp(drawn[:, column], X[:, column]).statistic < 0.03


# ---------------------------------------------------------------------- integrals
@kinds(COLUMNWISE)
def test_integrates_to_one(kind):
    density = fitted(kind, columns=[0])
    x, weight = quadrature_rule(density, 0)
    total = weight @ np.exp(density.score_samples(x[:, np.newaxis]))
    assert_allclose(total, 1, rtol=0, atol=1e-6)


@kinds(COLUMNWISE)
def test_missing_columns_are_integrated_out(kind):
    """Over one column the integral is the score of the other, and over both it is one."""
    density = fitted(kind)
    x, weight = quadrature_rule(density, 1)
    for first in (DATA[KINDS[kind][1]][7, 0], rows_beyond(DATA[KINDS[kind][1]], 5)[0, 0]):
        rows = np.column_stack([np.full(len(x), first), x])
        total = weight @ np.exp(density.score_samples(rows))
        expected = np.exp(density.score_samples([[first, np.nan]])[0])
        assert_allclose(total, expected, rtol=1e-6, atol=1e-12)
    x, weight = quadrature_rule(density, 0)
    rows = np.column_stack([x, np.full(len(x), np.nan)])
    assert_allclose(weight @ np.exp(density.score_samples(rows)), 1, rtol=0, atol=1e-6)


@kinds(ROTATIONS)
def test_rotated_densities_integrate_to_one(kind):
    density = fitted(kind, MixtureDensity(GaussianDensity(), 2, random_state=0, tol=0.1))
    X = DATA[KINDS[kind][1]]
    low, high = X.min(axis=0) - np.ptp(X, axis=0), X.max(axis=0) + np.ptp(X, axis=0)
    grids = [np.linspace(*ends, 401) for ends in zip(low, high, strict=True)]
    rows = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1).reshape(-1, 2)
    cell = np.prod([grid[1] - grid[0] for grid in grids])
    assert_allclose(np.exp(density.score_samples(rows)).sum() * cell, 1, rtol=0, atol=1e-6)


@kinds(COLUMNWISE)
def test_samples_follow_the_distribution_function(kind):
    density = fitted(kind, columns=[0])
    normal = stats.norm(density.density_.mean_[0], density.density_.get_covariance()[0, 0] ** 0.5)

    def distribution(x):  # T rises
        return normal.cdf(density._map.forward(x[:, np.newaxis])[0][:, 0])

    drawn = density.sample(20_000, random_state=3)
    assert stats.kstest(drawn[:, 0], distribution).pvalue > 1e-4
    drawn = density.conditional_sample(np.full((20_000, 1), np.nan), random_state=4)
    assert stats.kstest(drawn[:, 0], distribution).pvalue > 1e-4


@kinds(CURVES)
@pytest.mark.parametrize("inner", ["normal", "mixture"])
def test_conditional_means_agree_with_quadrature(kind, inner):
    """The mean of x from p(x) itself, on a grid in x, not from p(z)."""
    normal = fitted(kind)
    density = normal
    if inner == "mixture":
        variance = np.diag(normal.density_.get_covariance()).min()
        components = GaussianDensity(reg_covar=0.05 * variance)  # no peaks that the grid misses
        density = fitted(kind, MixtureDensity(components, random_state=0, tol=0.1))
    first = DATA[KINDS[kind][1]][:3, 0]
    x, weight = quadrature_rule(normal, 1)
    completed = density.conditional_mean(np.column_stack([first, np.full(3, np.nan)]))
    for value, mean in zip(first, completed[:, 1], strict=True):
        rows = np.column_stack([np.full(len(x), value), x])
        p = weight * np.exp(density.score_samples(rows))
        assert_allclose(mean, p @ x / p.sum(), rtol=1e-6)


def test_conditional_means_of_three_columns_are_means_over_draws():
    """With two columns missing, the other one is integrated out."""
    rng = np.random.default_rng(0)
    X = np.exp(rng.multivariate_normal([0, 1, 0], 0.5 * np.eye(3) + 0.3, size=300))
    density = TransformedDensity(LogTransformer(), GaussianDensity()).fit(X)
    rows = X[:6].copy()
    rows[:, 1] = rows[:4, 2] = np.nan
    normal = GaussianDensity().fit(np.log(X))
    completed = density.conditional_mean(rows)
    drawn = normal.conditional_sample(np.repeat(np.log(rows), 20_000, axis=0), random_state=0)
    drawn = np.exp(drawn).reshape(6, 20_000, 3)
    error = drawn.std(axis=1) / np.sqrt(20_000) + 1e-12
    assert np.max(np.abs(completed - drawn.mean(axis=1)) / error) < 4.5


# ---------------------------------------------------------------------- constants
FEW_VALUES = [(5.0,), (1.14,), (-1.14,), (0.1,), (0.0, 1.0), (5.0, 5.5), (3.0, 4.0), (0.0, 1e6)]


@kinds([kind for kind in KINDS if kind not in ("log1p", "tanh")])  # which fit no spread to them
def test_columns_of_few_values_are_filled_near_these_or_refused(kind):
    rng = np.random.default_rng(0)
    for values in FEW_VALUES:
        column = rng.choice(values, size=60)
        column[:2] = min(values), max(values)
        X = np.column_stack([np.exp(rng.normal(size=60)), column])
        missing = np.zeros(X.shape, dtype=bool)
        missing[2:30, 1] = kind not in ROTATIONS
        X[missing] = np.nan
        density = TransformedDensity(clone(KINDS[kind][0]), GaussianDensity())
        refused = ""
        try:
            density.fit(X)
        except ValueError as error:
            refused = str(error)
        if refused:
            assert re.search("column 1|strictly positive", refused)
            continue
        assert np.isfinite(density.score_samples(X)).all()
        room = 10 * max(np.ptp(values), 0.01)
        completed = [density.sample(100, random_state=0)[:, 1]]
        if kind not in ROTATIONS:
            completed.append(density.conditional_mean(X[2:10])[:, 1])
            completed.append(density.conditional_mode(X[2:10])[:, 1])
        for own in completed:
            assert (own > min(values) - room).all()
            assert (own < max(values) + room).all()


def test_constants_with_holes_are_known_to_be_constant():
    X = np.random.default_rng(0).normal(size=(40, 2))
    X[:, 1] = 5.0
    complete = TransformedDensity(PowerTransformer(), GaussianDensity()).fit(X)
    X[3:20, 1] = np.nan
    density = TransformedDensity(PowerTransformer(), GaussianDensity()).fit(X)
    assert density.transformer_.lambdas_[1] == complete.transformer_.lambdas_[1] == 1
    assert_allclose(density.conditional_mean(X)[:, 1], 5.0)


@pytest.mark.parametrize("method", ["box-cox", "yeo-johnson"])
def test_two_values_keep_their_distance(method):
    rng = np.random.default_rng(0)
    X = np.column_stack([np.exp(rng.normal(size=60)), rng.choice([2.0, 3.0], 60, p=[0.1, 0.9])])
    weight = rng.integers(1, 4, size=60)
    density = TransformedDensity(PowerTransformer(method), GaussianDensity())
    weighted = clone(density).fit(X, sample_weight=weight)
    repeated = clone(density).fit(np.repeat(X, weight, axis=0))
    assert_allclose(weighted.score_samples(X), repeated.score_samples(X), rtol=1e-9, atol=1e-12)
    mean, sd = np.average(X[:, 1], weights=weight), np.std(np.repeat(X[:, 1], weight))
    transformed = weighted.transformer_.transform(X)[:, 1]
    assert_allclose(transformed, (X[:, 1] - mean) / sd, rtol=1e-9)
    assert_allclose(weighted._map.forward(X)[0][:, 1], transformed, rtol=1e-9)


# ---------------------------------------------------------------------- outside the domain
def test_rows_outside_the_domain_score_minus_infinity():
    X = DATA["log-normal"]
    density = TransformedDensity(LogTransformer(), GaussianDensity()).fit(X)
    rows = np.array([[0.0, 1.0], [1.0, -2.0], [np.nan, 0.0], [1e-300, 1.0]])
    scores = density.score_samples(rows)
    assert_array_equal(scores[:3], -np.inf)
    assert np.isfinite(scores[3])
    for call in (density.conditional_mean, density.conditional_mode, density.conditional_sample):
        with pytest.raises(ValueError, match="probability zero under the model: row 2"):
            call(rows)
    assert (density.sample(500, random_state=0) > 0).all()


def test_box_cox_with_a_positive_exponent_extends_below_zero():
    density = TransformedDensity(PowerOf(), GaussianDensity()).fit(DATA["uniform"])
    scores = density.score_samples([[-0.1, 5.0], [-0.2, 5.0], [0.0, 5.0]])
    assert np.isfinite(scores).all()
    assert scores[1] < scores[0] < scores[2]


@kinds(COLUMNWISE)
def test_rows_far_away_have_scores(kind):
    density = fitted(kind)
    far = np.array([[1e6, 1e6], [1e300, 1.0], [1e-3, 1e6]])
    scores = density.score_samples(far)
    assert not np.isnan(scores).any()
    if "box-cox" not in kind and kind not in ("log", "log1p", "inverse"):
        assert np.isfinite(density.score_samples([[-1e3, 1.0]])).all()


@kinds(CURVES)
@pytest.mark.parametrize("inner", ["normal", "mixture"])
def test_rows_far_away_are_completed_in_bounded_time(kind, inner):
    components = MixtureDensity(GaussianDensity(), random_state=0, tol=0.1)
    density = fitted(kind, components if inner == "mixture" else None)
    far = [sign * 10.0**power for sign in (1, -1) for power in (7, 12, 155, 300)]
    rows = np.array([*np.column_stack([far, np.full(8, np.nan)]), [np.nan, -9999999]])
    rows = rows[np.isfinite(density._encode(rows).log_det)]  # the others are outside the domain
    for call in (density.conditional_mean, density.conditional_mode):
        assert np.isfinite(call(rows)).all()


def test_means_far_out_have_their_closed_form():
    Z = np.random.default_rng(0).normal(size=(200, 2)) @ [[1, 0.1], [0, 1]]
    density = TransformedDensity(LogTransformer(), GaussianDensity()).fit(np.exp(Z))
    normal = GaussianDensity().fit(Z)
    z = np.array([[-700.0, np.nan], [-200.0, np.nan], [200.0, np.nan], [700.0, np.nan]])
    variance = 1 / np.linalg.inv(normal.covariance_)[1, 1]
    expected = np.exp(normal.conditional_mean(z)[:, 1] + variance / 2)
    assert_allclose(density.conditional_mean(np.exp(z))[:, 1], expected, rtol=1e-9)


# ---------------------------------------------------------------------- with other densities
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("covariance_type", ["full", "tied"])
@pytest.mark.parametrize("share", [0.0, 0.2])
def test_a_mixture_of_transformed_densities_is_a_transformed_mixture(covariance_type, share):
    X = hide(DATA["log-normal"], share, seed=1)
    X[np.isnan(X).all(axis=1)] = 1.0
    normal, options = GaussianDensity(covariance_type), {"init": "random", "random_state": 0}
    outside = MixtureDensity(TransformedDensity(PowerTransformer(), normal), **options).fit(X)
    inside = TransformedDensity(PowerTransformer(), MixtureDensity(normal, **options)).fit(X)
    assert_allclose(outside.score_samples(X), inside.score_samples(X), rtol=1e-9, atol=1e-12)
    assert_allclose(outside.conditional_mean(X), inside.conditional_mean(X), rtol=1e-7)
    assert outside.n_parameters_ == inside.n_parameters_
    transformers = {id(density.transformer_) for density in outside.densities_}
    assert len(transformers) == 1
    first, second = outside.densities_
    assert first.density_ is not second.density_
    assert outside.sample(5, random_state=1).shape == (5, 2)


def test_mixtures_start_from_clusters():
    X = np.exp(np.vstack([CORRELATED, CORRELATED + 5]))
    mixture = MixtureDensity(TransformedDensity(LogTransformer(), GaussianDensity()))
    mixture.set_params(random_state=0).fit(X)
    assert_allclose(np.sort(mixture.weights_), [0.5, 0.5], atol=0.01)
    assert mixture.score(X) > TransformedDensity(LogTransformer(), GaussianDensity()).fit(X).score(
        X
    )
    rows = X[:5].copy()
    rows[:, 1] = np.nan
    assert np.isfinite(mixture.conditional_mode(rows)).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("in_block", [False, True])
def test_clusters_are_found_behind_the_transformer(in_block):
    planted = np.repeat([0, 1], 100)
    X = np.random.default_rng(0).normal(size=(200, 2))
    X[:, 0] += 6 * planted
    X[:, 1] *= 1e4  # much larger than the distance of the clusters, which does not matter
    density = TransformedDensity(StandardScaler(), GaussianDensity())
    if in_block:
        density = ColumnDensity([("all", density, slice(None))])
    mixtures = [
        MixtureDensity(family, max_iter=1, random_state=0).fit(X)
        for family in (density, GaussianDensity())
    ]
    agreement = [adjusted_rand_score(planted, mixture.predict(X)) for mixture in mixtures]
    assert min(agreement) > 0.9


@pytest.mark.parametrize("covariance_type", ["full", "tied"])
def test_classes_share_the_transformer(covariance_type):
    X = np.vstack([DATA["log-normal"], 2 * DATA["exponential"]])
    y = np.repeat(["a", "b"], 400)
    scaler = PowerTransformer().fit(X)
    normal = GaussianDensity(covariance_type)
    classifier = GenerativeClassifier(TransformedDensity(PowerTransformer(), normal)).fit(X, y)
    behind = GenerativeClassifier(normal).fit(scaler.transform(X), y)
    expected = behind.predict_log_proba(scaler.transform(X))
    assert_allclose(classifier.predict_log_proba(X), expected, atol=1e-7)
    assert classifier.n_parameters_ == behind.n_parameters_
    assert classifier.densities_[0].transformer_ is classifier.densities_[1].transformer_
    drawn, _ = classifier.sample(7, y="a", random_state=0)
    assert drawn.shape == (7, 2)


def test_transformers_nest():
    X = DATA["log-normal"]
    chained = make_pipeline(LogTransformer(), StandardScaler())
    nested = TransformedDensity(
        LogTransformer(), TransformedDensity(StandardScaler(), GaussianDensity())
    ).fit(X)
    expected = TransformedDensity(chained, GaussianDensity()).fit(X)
    rows = X[:20].copy()
    rows[:10, 1] = np.nan
    for call in ("score_samples", "conditional_mean", "conditional_mode"):
        assert_allclose(getattr(nested, call)(rows), getattr(expected, call)(rows), rtol=1e-9)


def test_em_runs_behind_the_transformer():
    X = hide(DATA["exponential"], 0.3, seed=2)
    density = TransformedDensity(PowerTransformer("box-cox"), GaussianDensity()).fit(X)
    Z = PowerTransformer("box-cox").fit_transform(X)
    normal = GaussianDensity().fit(Z)
    assert_allclose(density.density_.mean_, normal.mean_, atol=1e-9)
    assert density.density_.n_iter_ == normal.n_iter_ > 1


def test_imputed_values_stay_in_the_domain():
    X = DATA["log-normal"].copy()
    X[::2, 1] = np.nan
    density = TransformedDensity(PowerTransformer("box-cox"), GaussianDensity())
    completed = DensityImputer(density).fit_transform(X)
    assert_array_equal(completed[1::2], X[1::2])
    assert (completed > 0).all()


# ---------------------------------------------------------------------- choosing a transformer
def test_a_search_over_transformers_picks_the_right_one():
    candidates = [
        StandardScaler(),
        PowerTransformer("box-cox"),
        QuantileTransformer(n_quantiles=20, output_distribution="normal"),
    ]
    picked = []
    bends = np.random.default_rng(0).uniform(size=(600, 2))
    for X in (DATA["log-normal"], 8 + DATA["normal"], np.where(bends > 0.5, 20 * bends, bends)):
        search = GridSearchCV(
            TransformedDensity(StandardScaler(), GaussianDensity()), {"transformer": candidates}
        )
        picked.append(type(search.fit(X).best_params_["transformer"]))
        best = search.best_estimator_
        assert_allclose(search.cv_results_["mean_test_score"].max(), best.score(X), atol=0.5)
    assert picked[0] is PowerTransformer
    assert picked[1] is not QuantileTransformer  # normal data need only a scaler
    assert picked[2] is QuantileTransformer


def test_nested_parameters_can_be_set():
    density = TransformedDensity(make_pipeline(StandardScaler(), PCA()), GaussianDensity())
    density.set_params(transformer__pca__whiten=True, density__covariance_type="diag")
    assert density.transformer.named_steps["pca"].whiten
    assert density.fit(DATA["normal"]).density_.covariance_type == "diag"


# ---------------------------------------------------------------------- weights
@pytest.mark.parametrize(
    "transformer",
    [
        StandardScaler(),
        MinMaxScaler(),
        PowerTransformer(),
        PCA(whiten=True),
        quantile("normal", 3),
        make_pipeline(PowerTransformer(), StandardScaler()),
        make_pipeline(StandardScaler(), "passthrough"),
    ],
)
def test_integer_weights_repeat_rows(transformer):
    X = DATA["exponential"]
    weight = np.random.default_rng(0).integers(0, 4, size=len(X))
    weighted = TransformedDensity(transformer, GaussianDensity()).fit(X, sample_weight=weight)
    repeated = clone(weighted).fit(np.repeat(X, weight, axis=0))
    assert_allclose(weighted.score_samples(X), repeated.score_samples(X), rtol=1e-7, atol=1e-12)
    assert_allclose(weighted.density_.mean_, repeated.density_.mean_, atol=1e-9)


def test_fractional_weights_need_a_transformer_that_takes_them():
    X, weight = DATA["normal"], np.random.default_rng(0).random(400)
    density = TransformedDensity(StandardScaler(), GaussianDensity(reg_covar=0))
    expected = GaussianDensity(reg_covar=0).fit(X, sample_weight=weight).score_samples(X)
    assert_allclose(
        density.fit(X, sample_weight=weight).score_samples(X), expected, rtol=1e-9, atol=1e-12
    )
    for needs_none in (MinMaxScaler(), FunctionTransformer(np.arcsinh)):
        density.set_params(transformer=needs_none).fit(X, sample_weight=weight)
        Z = needs_none.fit_transform(X)
        normal = GaussianDensity(reg_covar=0).fit(Z, sample_weight=weight)
        assert_allclose(density.density_.mean_, normal.mean_, atol=1e-12)
    with pytest.raises(
        ValueError, match="PowerTransformer takes no sample_weight, so rows can onl"
    ):
        density.set_params(transformer=PowerTransformer()).fit(X, sample_weight=weight)
