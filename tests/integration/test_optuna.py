"""Optuna: a study of densities by their cross-validated likelihood."""

import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import cross_val_score, train_test_split

from skdgm import BaggingDensity, GaussianDensity, MixtureDensity

optuna = pytest.importorskip("optuna")
KINDS = ["full", "diag", "spherical"]


def test_a_study_finds_a_density_of_tumours():
    X, _ = load_breast_cancer(return_X_y=True)
    X_train, X_test = train_test_split(X[:, :10], random_state=0)

    def make_density(trial):
        covariance_type = trial.suggest_categorical("covariance_type", ["full", "diag"])
        shrinkage = trial.suggest_float("shrinkage", 1e-4, 0.9, log=True)
        normal = GaussianDensity(covariance_type, shrinkage=shrinkage)
        n_components = trial.suggest_int("n_components", 1, 4)
        return normal if n_components == 1 else MixtureDensity(normal, n_components, random_state=0)

    def objective(trial):
        return cross_val_score(make_density(trial), X_train, cv=3).mean()

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=15)
    baseline = GaussianDensity().fit(X_train).score(X_test)
    best = make_density(study.best_trial)
    assert best.fit(X_train).score(X_test) > baseline + 1  # nats per row
    assert study.best_value == pytest.approx(objective(study.best_trial))
    bag = BaggingDensity(best, 3, random_state=0).fit(X_train)
    assert bag.score(X_test) > baseline + 1


def test_batches_report_to_a_pruner():
    """Learning in batches lets a study stop densities that fall behind."""
    X, _ = load_breast_cancer(return_X_y=True)
    X_train, X_test = train_test_split(X, random_state=0)

    def objective(trial):
        covariance_type = trial.suggest_categorical(
            "covariance_type", ["full", "diag", "spherical"]
        )
        density = GaussianDensity(covariance_type, shrinkage=0.01)
        for step, start in enumerate(range(0, 400, 100)):
            density.partial_fit(X_train[start : start + 100])
            trial.report(density.score(X_test), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return density.score(X_test)

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.GridSampler({"covariance_type": KINDS}, 0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=1),
    )
    study.enqueue_trial({"covariance_type": "full"})
    study.optimize(objective)
    assert study.best_params == {"covariance_type": "full"}
    states = {trial.params["covariance_type"]: trial.state.name for trial in study.trials}
    assert states["diag"] == states["spherical"] == "PRUNED"
