"""The architecture holds: imports run one way, files are short, every estimator is documented."""

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from .estimators import public_estimators

pytestmark = pytest.mark.any_version  # of dependencies gives the same answers

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "skdgm"
FILES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 400  # lines

# From the bottom up; a module imports from its own layer and those before it.
LAYERS = [
    (
        "skdgm._kernels",
        "skdgm._packing",
        "skdgm._persistence",
        "skdgm._versions",
        "skdgm._decorators",
        "skdgm._estimator",
        "skdgm._fitted",
        "skdgm._tables",
        "skdgm._memory",
        "skdgm._validation",
        "skdgm._weighted_fit",
        "skdgm._codes",
        "skdgm._csv",
        "skdgm._files",
    ),
    ("skdgm.density._engine",),
    (
        "skdgm.density._contract",
        "skdgm.density._queries",
        "skdgm.density._base",
    ),
    ("skdgm.density._em", "skdgm.density._composite", "skdgm.density._group"),
    ("skdgm.density",),
    (
        "skdgm.conditional",
        "skdgm.displays",
        "skdgm.impute",
        "skdgm.projection",
        "skdgm.metrics",
    ),
    ("skdgm.comparison", "skdgm.dask"),
    ("skdgm",),
]


def module_of(file):
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in FILES}


def imports_of(module):
    """Every module of the package that a module imports, wherever the import stands."""
    file = MODULES[module]
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            source = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            names = {f"{source}.{alias.name}" for alias in node.names}
            found |= {name for name in names if name in MODULES} or {source}
    return {name for name in found if name in MODULES and name != module}


@cache
def all_imports():
    return {module: imports_of(module) for module in MODULES}


def layer_of(module):
    """The layer that names the module most closely."""
    fitting = [
        (len(name), place)
        for place, names in enumerate(LAYERS)
        for name in names
        if module == name or module.startswith(name + ".")
    ]
    return max(fitting)[1]


def test_there_are_no_import_circles():
    try:
        TopologicalSorter(all_imports()).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(error.args[1][::-1]))


def test_imports_run_one_way():
    upwards = [
        f"{module} imports {imported}"
        for module, all_imported in all_imports().items()
        for imported in all_imported
        if layer_of(imported) > layer_of(module)
    ]
    assert not upwards


def test_tables_of_users_go_through_one_reader():
    for file in FILES:
        if file.parent.name != "_tables":
            assert "validate_data" not in file.read_text(encoding="utf-8"), file


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(ROOT)) for file in FILES])
def test_files_are_short(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_kernels_are_named_after_the_folders_that_use_them():
    folders = PACKAGE, PACKAGE / "density", PACKAGE / "density" / "_engine"
    rooms = {file.stem.strip("_") for folder in folders for file in folder.iterdir()}
    rooms.add("draws")  # what kernels of several families share
    for file in (PACKAGE / "_kernels").glob("[!_]*.py"):
        assert any(file.stem == room or file.stem.startswith(room + "_") for room in rooms), file


def test_kernels_are_compiled_in_one_way():
    """Only the decorator of all kernels uses Numba, so that each of them runs without a cache."""
    for file in FILES:
        if file != PACKAGE / "_kernels" / "_compile.py":
            assert not re.search("(from|import) numba", file.read_text(encoding="utf-8")), file
    for file in (PACKAGE / "_kernels").glob("[!_]*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                assert [ast.unparse(own).partition("(")[0] for own in node.decorator_list] == [
                    "kernel"
                ], f"{file}: {node.name}"


def test_what_serves_one_family_lives_in_its_folder():
    for module in MODULES:
        if module.startswith("skdgm.density._engine."):
            rooms = {name.rpartition(".")[0] for name in MODULES if module in all_imports()[name]}
            assert len(rooms) > 1 or rooms == {"skdgm.density"}, f"{module} serves only {rooms}"


def test_each_family_has_a_room_that_opens_with_its_density():
    shared = ("_engine", "_evidence", "_queries", "__pycache__")
    for folder in (PACKAGE / "density").iterdir():
        if folder.is_dir() and folder.name not in shared:
            assert (folder / "_density.py").exists()


@pytest.mark.parametrize("estimator", public_estimators())
def test_every_estimator_is_on_the_api_page(estimator):
    page = (ROOT / "doc" / "api.rst").read_text(encoding="utf-8")
    assert re.search(rf"^   {estimator.__name__}$", page, flags=re.MULTILINE)
