"""Kernels run on any machine: without a place for a cache, and beside other processes."""

import importlib.util
import os
import pickle
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from numba.core import config
from numba.core.caching import FunctionCache

import skdgm
from skdgm._kernels import _compile, markov_chain, tree, windows
from skdgm._kernels._compile import KernelFile

KERNELS = """
from skdgm._kernels._compile import kernel

@kernel
def total(x):
    out = 0.0
    for i in range(len(x)):
        out += x[i]
    return out

@kernel
def largest(x):
    return max(x[0], x[1])
"""
X = np.array([1, 2, 4])
TYPES = np.uint8, np.float64


@pytest.fixture
def load_kernels(tmp_path, monkeypatch):
    """Write kernels to a file; return what imports them as a new process does."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(_compile, "_warned", False)
    file = tmp_path / "kernels_of_a_test.py"
    file.write_text(KERNELS, encoding="utf-8")

    def load():
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def allow_no_cache(folder, monkeypatch):
    """Put files and devices where Numba would make a folder; not even root can write there."""
    monkeypatch.setattr(config, "CACHE_DIR", "")
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(folder / "__pycache__" / "none"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    (folder / "__pycache__").write_text("", encoding="utf-8")


def assert_right(module):
    for dtype in TYPES:
        assert module.total(X.astype(dtype)) == 7
        assert module.largest(X.astype(dtype)) == 2


def run_python(code, cwd, path):
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Numba asks Windows, not the environment")
def test_the_package_works_without_a_place_for_a_cache(tmp_path, monkeypatch):
    source, copy = Path(skdgm.__file__).parent, tmp_path / "skdgm"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    allow_no_cache(copy / "_kernels", monkeypatch)
    code = """if True:
        import numpy as np, skdgm
        density = skdgm.FullCategoricalDensity().fit(np.eye(3))
        print(skdgm.__file__, density.score(np.eye(3)))"""
    run = run_python(code, tmp_path, tmp_path)
    file, score = run.stdout.split()
    assert Path(file).parent == copy
    expected = skdgm.FullCategoricalDensity().fit(np.eye(3)).score(np.eye(3))
    assert float(score) == pytest.approx(expected)
    assert run.stderr.count("NUMBA_CACHE_DIR") == run.stderr.count("Warning: ") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Numba asks Windows, not the environment")
def test_kernels_without_a_cache_warn_once(tmp_path, monkeypatch, load_kernels):
    allow_no_cache(tmp_path, monkeypatch)
    with pytest.warns(RuntimeWarning, match="NUMBA_CACHE_DIR") as caught:
        assert_right(load_kernels())
    assert len(caught) == 1


def test_a_cache_that_is_lost_after_the_import_warns_once(tmp_path, load_kernels):
    module = load_kernels()
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("", encoding="utf-8")
    with pytest.warns(RuntimeWarning, match="NUMBA_CACHE_DIR") as caught:
        assert_right(module)
    assert len(caught) == 1


@pytest.mark.parametrize("name", ["FunctionCache", "IndexDataCacheFile"])
def test_the_cache_of_numba_serves_where_its_private_names_differ(load_kernels, monkeypatch, name):
    monkeypatch.setattr(_compile, name, object)
    module = load_kernels()
    assert type(module.total._cache) is FunctionCache
    assert module.total(X) == 7


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("left", [0, 0.5, None])
def test_damaged_files_are_written_anew(tmp_path, load_kernels, ending, left):
    """They are empty, cut off, or full of zeros, as after a crash or on a full disk."""
    assert load_kernels().total(X) == 7
    (file,) = (tmp_path / "cache").rglob(f"*.{ending}")
    data = file.read_bytes()
    file.write_bytes(bytes(len(data)) if left is None else data[: int(left * len(data))])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_kernels().total(X) == 7
        sound = load_kernels()
        assert sound.total(X) == 7
    assert not sound.total.stats.cache_misses


def test_processes_that_save_at_once_never_read_what_another_has_saved(tmp_path, monkeypatch):
    """Whatever one process does between two steps of another, a key has its own data or none."""

    def look():
        first, second = (KernelFile(tmp_path, "kernel", "new").load(key) for key in (1, 2))
        assert first in (None, "one")
        assert second in (None, "two")
        return first, second

    KernelFile(tmp_path, "kernel", "old").save(1, "old one")
    for step in ("_save_data", "_save_index"):
        original = getattr(KernelFile, step)

        def interrupted(self, *arguments, step=step, original=original):
            monkeypatch.setattr(KernelFile, step, original)
            look()
            KernelFile(tmp_path, "kernel", "new").save(2, "two")
            look()
            original(self, *arguments)

        monkeypatch.setattr(KernelFile, step, interrupted)
        KernelFile(tmp_path, "kernel", "new").save(1, "one")
        assert look()[0] == "one"
    KernelFile(tmp_path, "kernel", "new").save(2, "two")
    assert look() == ("one", "two")


def test_data_of_an_earlier_source_are_removed(tmp_path):
    KernelFile(tmp_path, "kernel", "old").save(1, "old")
    KernelFile(tmp_path, "kernel_2", "old").save(1, "another kernel's")
    KernelFile(tmp_path, "kernel", "new").save(1, "new")
    data = [pickle.loads(file.read_bytes()) for file in tmp_path.glob("*.nbc")]
    assert sorted(data) == ["another kernel's", "new"]


def test_kernels_notice_changes_to_imported_kernels(tmp_path, load_kernels, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    callee = tmp_path / "callee_of_a_test.py"
    caller = tmp_path / "kernels_of_a_test.py"
    head = "from skdgm._kernels._compile import kernel\n"
    caller.write_text(
        f"{head}from callee_of_a_test import add\n@kernel\ndef run(x):\n    return add(x)\n",
        encoding="utf-8",
    )
    for term in (1, 20):
        callee.write_text(f"{head}@kernel\ndef add(x):\n    return x + {term}\n", encoding="utf-8")
        assert load_kernels().run(1) == 1 + term
        monkeypatch.delitem(sys.modules, "callee_of_a_test")
        importlib.invalidate_caches()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starts processes by fork")
def test_processes_on_a_cold_cache_do_not_break_each_other(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    shutil.copy(_compile.__file__, tmp_path / "compile_of_a_test.py")
    kernels = KERNELS.replace("skdgm._kernels._compile", "compile_of_a_test")
    (tmp_path / "kernels_of_a_test.py").write_text(kernels, encoding="utf-8")
    code = """if True:
        import os, numpy as np
        import kernels_of_a_test as module
        types = np.uint8, np.float64
        def run(types):
            for dtype in types:
                assert module.total(np.array([1, 2, 4], dtype)) == 7
        module.largest(np.ones(2))  # now Numba is ready
        children = []
        for place in range(8):
            child = os.fork()
            if not child:
                try:
                    run(types[:: 1 if place % 2 else -1])
                    os._exit(0)
                finally:
                    os._exit(1)
            children.append(child)
        assert not any([os.waitpid(child, 0)[1] for child in children])
        run(types)"""
    run = run_python(code, tmp_path, tmp_path)
    assert not run.stderr
    assert list((tmp_path / "cache").rglob("*.nbc"))


@pytest.mark.parametrize(
    ("density", "compiled"),
    [
        (skdgm.ChowLiuTreeDensity(), tree.log_prob_complete),
        (skdgm.MarkovChainImageDensity(order=2), markov_chain.log_prob_windows),
        (
            skdgm.MixtureDensity(skdgm.BernoulliIndependentDensity(), random_state=0),
            windows.add_terms,
        ),
    ],
)
def test_unpickled_densities_compile_no_kernel_again(density, compiled):
    X = np.random.default_rng(0).integers(2, size=(50, 4))
    expected = density.fit(X).score(X)
    n_types = len(compiled.signatures)
    assert pickle.loads(pickle.dumps(density)).score(X) == expected
    assert len(compiled.signatures) == n_types > 0
