"""Mutations: whether the tests notice a wrong kernel.

    python tests/mutations.py bernoulli --tests tests/test_kernels.py tests/test_bernoulli.py

takes a copy of the package, changes one thing at a time in a file of ``skdgm/_kernels`` (an
operator, a comparison, a constant, a statement), runs the tests without compilation until one
fails, and prints the mutants that survive. Those are not all faults of the tests: a mutant may
compute the same. No part of the test run.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

ROOT = Path(__file__).parent.parent
SWAPPED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


def mutate(node: ast.AST) -> Iterator[str]:
    """Change a node in each way that it can be; yield what has changed, and undo it."""
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp):
        other = SWAPPED.get(type(node.op))
        if other:
            kept, node.op = node.op, other()
            yield f"{type(kept).__name__} to {other.__name__}"
            node.op = kept
    elif isinstance(node, ast.Compare):
        other = SWAPPED.get(type(node.ops[0]))
        if other:
            kept, node.ops[0] = node.ops[0], other()
            yield f"{type(kept).__name__} to {other.__name__}"
            node.ops[0] = kept
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        kept = node.value
        node.value = kept + 1
        yield f"{kept} to {kept + 1}"
        node.value = kept
    body = getattr(node, "body", None)
    if isinstance(body, list) and not isinstance(node, ast.Module):
        for place, statement in enumerate(body):
            if isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr) and not (
                isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            ):
                body[place] = ast.copy_location(ast.Pass(), statement)
                yield f"dropped line {statement.lineno}"
                body[place] = statement


def mutants_of(source: str) -> list[tuple[int, str, str]]:
    """List the line, the change and the source of every mutant of the functions of a file."""
    tree, found = ast.parse(source), []
    for function in tree.body:
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                for change in mutate(node):
                    line = getattr(node, "lineno", function.lineno)
                    found.append((line, change, ast.unparse(deepcopy(tree))))
    return found


def passes(folder: Path, tests: list[str], limit: float) -> bool:
    """Return whether the tests pass on the package in a folder, without compilation."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(folder), "NUMBA_DISABLE_JIT": "1", "CI": "1"}
    try:
        run = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:  # a loop without end is noticed
        return False
    return run.returncode == 0


def main() -> None:
    """Run the tests on mutants of a file of kernels."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kernels", help="a file of skdgm/_kernels, without its ending")
    parser.add_argument("--tests", nargs="+", required=True, help="as for pytest")
    parser.add_argument("--mutants", type=int, default=30, help="how many to draw")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--limit", type=float, default=120, help="seconds for each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("skdgm", "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", folder)
        file = folder / "skdgm" / "_kernels" / f"{options.kernels}.py"
        source = file.read_text(encoding="utf-8")
        if not passes(folder, options.tests, options.limit):
            sys.exit("The tests fail without any mutation, or take longer than --limit.")
        mutants = mutants_of(source)
        drawn = random.Random(options.seed).sample(mutants, min(options.mutants, len(mutants)))
        survived = 0
        for line, change, mutant in drawn:
            file.write_text(mutant, encoding="utf-8")
            if passes(folder, options.tests, options.limit):
                survived += 1
                print(f"{options.kernels}.py:{line}: {change}: survived", flush=True)
    print(f"{len(drawn) - survived} of {len(drawn)} mutants were noticed ({len(mutants)} in all).")


if __name__ == "__main__":
    main()
