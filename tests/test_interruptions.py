"""Interruptions leave what was there before: fits by Ctrl-C, files and caches by a kill."""

import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

import skdgm
from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    MixtureDensity,
    _files,
)
from skdgm._kernels import _compile
from skdgm.density._engine import blocks

from .estimators import public_estimators, smallest_instance
from .test_any_machine import KERNELS

PACKAGE = str(Path(skdgm.__file__).parent)
on_posix = pytest.mark.skipif(os.name != "posix", reason="sends signals as POSIX has them")
TABLE = np.random.default_rng(0).integers(0, 3, size=(40, 4)).astype(float)


def interrupt_at(call):
    """Return a tracer that raises KeyboardInterrupt at a call of a function of the package."""
    n_calls = 0

    def trace(frame, event, argument):
        nonlocal n_calls
        if frame.f_code.co_filename.startswith(PACKAGE):
            n_calls += 1
            if n_calls == call:
                raise KeyboardInterrupt

    return trace


@pytest.mark.parametrize("estimator", public_estimators(), ids=lambda own: own.__name__)
def test_ctrl_c_leaves_the_former_model(estimator):
    y = np.arange(40) % 2
    model = smallest_instance(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(TABLE[:30] > 0, y[:30])
        copied, interrupted = pickle.dumps(model), 0
        for name in ("fit", "partial_fit"):
            for call in (1, 10, 100):
                if not hasattr(model, name):
                    continue
                own, tracer = pickle.loads(copied), sys.gettrace()
                before, bits = vars(own).copy(), pickle.dumps(own)
                sys.settrace(interrupt_at(call))
                try:
                    getattr(own, name)(TABLE > 0, y)
                except KeyboardInterrupt:
                    interrupted += 1
                    assert vars(own).keys() == before.keys()
                    assert all(vars(own)[part] is before[part] for part in before)
                    assert pickle.dumps(own) == bits
                finally:
                    sys.settrace(tracer)
    assert interrupted > 1


def test_a_signal_in_a_fit_leaves_the_former_model(monkeypatch):
    density = GaussianDensity().fit(TABLE)
    expected = density.score_samples(TABLE)
    monkeypatch.setattr(GaussianDensity, "_estimate", lambda *_: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        density.fit(TABLE[:20])
    np.testing.assert_array_equal(density.score_samples(TABLE), expected)


def start(code, folder):
    """Start Python on code in a folder, where it also looks for modules."""
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{Path(PACKAGE).parent}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@on_posix
def test_a_kill_leaves_the_former_file_whole(tmp_path):
    shutil.copy(_files.__file__, tmp_path / "files_of_a_test.py")
    child = start(
        """if True:
        from pathlib import Path
        from files_of_a_test import replace_file
        print("writing", flush=True)
        while True:
            replace_file(Path("report.html"), b"x" * 20_000_000)""",
        tmp_path,
    )
    path = tmp_path / "report.html"
    path.write_bytes(b"former")
    assert child.stdout.readline() == "writing\n"
    time.sleep(0.05)
    child.kill()
    child.communicate(timeout=60)
    assert path.read_bytes() in (b"former", b"x" * 20_000_000)


@on_posix
def test_a_kill_while_kernels_are_compiled_breaks_no_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    shutil.copy(_compile.__file__, tmp_path / "compile_of_a_test.py")
    kernels = KERNELS.replace("skdgm._kernels._compile", "compile_of_a_test")
    (tmp_path / "kernels_of_a_test.py").write_text(kernels, encoding="utf-8")
    code = """if True:
        import numpy as np
        import kernels_of_a_test as module
        print("compiling", flush=True)
        types = np.uint8, np.int64, np.float32, np.float64
        print([float(module.total(np.array([1, 2, 4], dtype))) for dtype in types])"""
    child = start(code, tmp_path)
    assert child.stdout.readline() == "compiling\n"
    time.sleep(0.3)
    child.kill()
    child.communicate(timeout=60)
    out, errors = start(code, tmp_path).communicate(timeout=100)
    assert out == "compiling\n[7.0, 7.0, 7.0, 7.0]\n", errors
    assert not errors


# ---------------------------------------------------------------------- processes
def ask(models):
    return [
        (own.score(TABLE), clone(own).fit(TABLE).score(TABLE), own.sample(30, random_state=0).sum())
        for own in models
    ]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts a process by fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_fork_after_kernels_and_threads_ran_answers_alike(monkeypatch):
    """The child scores, fits and draws as its parent does, and ends."""
    monkeypatch.setattr(blocks, "BLOCK_CELLS", 40)  # so that two threads have something to do
    models = [
        BernoulliIndependentDensity(binarize=1.0, n_jobs=2),
        ChowLiuTreeDensity(n_jobs=2),
        GaussianDensity(n_jobs=2),
        MixtureDensity(GaussianDensity("diag"), 2, random_state=0, max_iter=2, n_jobs=2),
    ]
    fitted = [own.fit(TABLE) for own in models]
    expected = ask(fitted)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        found = pool.apply_async(ask, (fitted,)).get(timeout=100)
    np.testing.assert_array_equal(found, expected)
