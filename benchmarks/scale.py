"""Fits to rows that do not fit into memory: seconds and peak memory against the number of rows.

The rows are generated block by block by ``skdgm.dask`` tasks, and again in each pass, so that no
disk takes part. Run with the extra ``dask`` and with psutil:

    python benchmarks/scale.py [--parts table cluster] [--powers 5 6 7 8]

- table: each model is fitted to 10**5, 10**6, ... rows of 10 columns, in threads of a process of
  its own, of which the peak memory is that of the fit and of Python itself; beside it, the seconds
  that it takes to generate the rows and to sum them, once per pass.
- cluster: an array of 100 columns, 20 times as large as the memory limit of a worker, is fitted by
  a LocalCluster of two workers of 1 GB; counted are restarts of workers, and the largest memory of
  one.

The memory of a fit does not depend on the number of rows, and its time is proportional to it. In
the table, no block stays in memory between passes, though it would fit.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import threading
import time
import warnings

import dask
import numpy as np
from dask import array as da

import skdgm.dask
from skdgm import (
    BernoulliIndependentDensity,
    ChowLiuTreeDensity,
    GaussianDensity,
    GaussianDiscriminant,
    GenerativeClassifier,
    MixtureDensity,
)
from skdgm.dask import _scheduler

N_COLUMNS, N_COLUMNS_OF_CLUSTER = 10, 100
CELLS_OF_BLOCK = 2 * 10**6
N_STEPS = 5  # of expectation-maximisation
WORKER_MEMORY = 10**9  # bytes
N_TIMES = 20  # as large as that is the array
MIXTURE = {"n_components": 3, "random_state": 0, "max_iter": N_STEPS, "tol": 0.0}
EM = {"max_iter": N_STEPS, "tol": 0.0}

# A model, the kind of its rows, and the passes over them: to survey, and to count or to start from
# and to step.
MODELS = {
    "Bernoulli": (BernoulliIndependentDensity(), "binary", 2),
    "Chow-Liu tree": (ChowLiuTreeDensity(), "binary", 2),
    "normal": (GaussianDensity(), "normal", 2),
    "normal, 10 % missing": (GaussianDensity(**EM), "incomplete", 2 + N_STEPS),
    "mixture of 3 normals": (MixtureDensity(GaussianDensity(), **MIXTURE), "normal", 2 + N_STEPS),
    "discriminant, 3 classes": (GaussianDiscriminant(), "normal", 2),
    "tree per class": (GenerativeClassifier(ChowLiuTreeDensity()), "binary", 2),
}


def make_block(block_id, n_columns, n_rows, kind):
    """Generate the rows of a block, whose seed is its number."""
    rng = np.random.default_rng(block_id[0])
    n_usual = CELLS_OF_BLOCK // n_columns
    n = min(n_usual, n_rows - block_id[0] * n_usual)
    if kind == "binary":
        X = rng.random((n, n_columns), dtype=np.float32) < 0.3
        X[:, 1:] ^= X[:, :-1]
        return X
    X = rng.standard_normal((n, n_columns))
    X[:, 1:] += X[:, :-1] + (np.arange(n) % 3)[:, np.newaxis]
    if kind == "incomplete":
        X[rng.random((n, n_columns), dtype=np.float32) < 0.1] = np.nan
    return X


def rows(n_rows, kind, n_columns=N_COLUMNS):
    """Return a Dask array of rows, and the classes that they come from."""
    n_usual = CELLS_OF_BLOCK // n_columns
    n_blocks = -(-n_rows // n_usual)
    lengths = [n_usual] * (n_blocks - 1) + [n_rows - (n_blocks - 1) * n_usual]
    chunks = tuple(lengths), (n_columns,)
    dtype = bool if kind == "binary" else float
    make = {"n_columns": n_columns, "n_rows": n_rows, "kind": kind}
    X = da.map_blocks(make_block, chunks=chunks, dtype=dtype, meta=np.empty((0, 0), dtype), **make)
    y = da.arange(n_rows, chunks=(chunks[0],)) % 3
    return X, y


def fit(name, n_rows, n_columns=N_COLUMNS):
    """Fit a model, and return it with the seconds that it took."""
    model, kind, _ = MODELS[name]
    X, y = rows(n_rows, kind, n_columns)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Expectation-maximisation did not converge")
        skdgm.dask.fit(model, X, y if hasattr(model, "classes_") or "class" in name else None)
    return model, time.perf_counter() - start


# ---------------------------------------------------------------------- one process
def measured(name, n_rows, queue):
    """Fit in this process; report seconds, those of plain passes, and peak memory in MB."""
    import resource

    _scheduler.SHARE_TO_KEEP = 0.0
    fit(name, 10**4)  # compile
    _, seconds = fit(name, n_rows)
    _, kind, n_passes = MODELS[name]
    start = time.perf_counter()
    X, _ = rows(n_rows, kind)
    X.sum().compute()
    plain = n_passes * (time.perf_counter() - start)
    queue.put((seconds, plain, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3))


def table(names, powers):
    """Print seconds and peak memory of each fit."""
    print("| model | rows | seconds | times the plain passes | peak memory (MB) |")
    print("| --- | ---: | ---: | ---: | ---: |")
    processes = multiprocessing.get_context("spawn")
    for name in names:
        for power in powers:
            queue = processes.Queue()
            process = processes.Process(target=measured, args=(name, 10**power, queue))
            process.start()
            seconds, plain, memory = queue.get()
            process.join()
            ratio = f"{seconds / plain:.1f}"
            cells = name, f"1e{power}", f"{seconds:.1f}", ratio, f"{memory:.0f}"
            print(f"| {' | '.join(cells)} |", flush=True)


# ---------------------------------------------------------------------- two workers
def cluster(names):
    """Fit to an array that is far larger than the memory of the workers, and print what happens."""
    from distributed import Client, LocalCluster

    n_rows = N_TIMES * WORKER_MEMORY // (8 * N_COLUMNS_OF_CLUSTER)
    options = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": WORKER_MEMORY}
    print("| model | rows | seconds | largest memory of a worker (MB) | restarts |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in names:
        if MODELS[name][1] == "binary":
            continue  # a byte per cell: eight times the rows
        with LocalCluster(dashboard_address=None, **options) as local, Client(local) as client:
            pids = set(client.run(os.getpid).values())
            peak = [0.0]
            stop = threading.Event()
            watch = threading.Thread(target=watch_memory, args=(pids, peak, stop))
            watch.start()
            _, seconds = fit(name, n_rows, N_COLUMNS_OF_CLUSTER)
            stop.set()
            watch.join()
            after = set(client.run(os.getpid).values())
        cells = name, f"{n_rows:.3g}", f"{seconds:.0f}", f"{peak[0]:.0f}", str(len(after - pids))
        print(f"| {' | '.join(cells)} |", flush=True)


def watch_memory(pids, peak, stop):
    """Note the largest memory of some processes, in MB."""
    import psutil

    while not stop.wait(0.2):
        for pid in pids:
            try:
                peak[0] = max(peak[0], psutil.Process(pid).memory_info().rss / 1e6)
            except psutil.NoSuchProcess:
                return


def main():
    """Run the parts that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="*", choices=["table", "cluster"], default=["table"])
    parser.add_argument("--powers", nargs="*", type=int, default=[5, 6, 7, 8])
    parser.add_argument("--models", nargs="*", choices=MODELS, default=list(MODELS))
    arguments = parser.parse_args()
    print(f"dask {dask.__version__}, {os.cpu_count()} cores\n")
    if "table" in arguments.parts:
        table(arguments.models, arguments.powers)
    if "cluster" in arguments.parts:
        cluster(arguments.models)


if __name__ == "__main__":
    main()
