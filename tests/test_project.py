"""The project's own promises: the README runs, imports keep working, versions are as declared."""

import configparser
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
from sklearn.utils import estimator_html_repr

import skdgm
from skdgm import ChowLiuTreeDensity, ColumnDensity, GaussianDensity, GenerativeClassifier
from skdgm import _estimator as documentation

from .estimators import public_estimators

ROOT = Path(__file__).parent.parent


def test_the_readmes_examples_run(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # where they write
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    names = {}
    for block in blocks:
        assert len(block.strip().splitlines()) <= 12
        exec(compile(block, "README.md", "exec"), names)
    accuracies = re.findall(r"accuracy ([\d.]+)", capsys.readouterr().out)
    assert len(blocks) == 5
    assert len(accuracies) == 2
    assert min(map(float, accuracies)) > 0.8
    assert names["sevens"].shape == (5, 64)
    assert not np.isnan(names["completed"]).any()
    assert names["lower"].shape == (3, 32, 2)
    assert not names["complete"].isna().any(axis=None)


def test_the_readme_names_every_estimator():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in map(_name, public_estimators()) if f"`{name}`" not in text] == []


def _name(estimator):
    return estimator.__name__


def test_the_oldest_versions_tested_are_those_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    declared = {*project["dependencies"], *extras["compare"], *extras["test"]}
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    pinned = tox["testenv:oldest"]["deps"].split()
    assert {pin.replace("==", ">=") for pin in pinned} == declared
    assert tox["testenv:oldest"]["base_python"] == "python" + project["requires-python"][2:]


def test_what_is_optional_is_not_needed_and_named_where_it_is():
    code = """
import runpy, sys
class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("pandas", "matplotlib", "imblearn", "dask"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import numpy, skdgm
skdgm.GaussianDensity().fit(numpy.eye(3)).sample()
assert not {"pandas", "matplotlib"} & set(sys.modules)
from skdgm.comparison._display import make_figure
for call in (lambda: skdgm.compare_classifiers([[0]], [0]), make_figure):
    try:
        call()
    except ImportError as error:
        assert 'pip install "skdgm[compare]"' in str(error), error
    else:
        raise AssertionError(call)
assert skdgm.TRUSTED_TYPES
for module, extra in ("over_sampling", "imblearn"), ("dask", "dask"):
    try:
        __import__(f"skdgm.{module}")
    except ImportError as error:
        assert f'pip install "skdgm[{extra}]"' in str(error)
    else:
        raise AssertionError(f"{module} was imported without what it needs")
sys.argv = ["skdgm", "--version"]
runpy.run_module("skdgm", run_name="__main__", alter_sys=True)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == f"skdgm {skdgm.__version__}\n"


def test_earlier_imports_keep_working():
    import skdgm.compare
    import skdgm.conditional
    import skdgm.display
    import skdgm.projection

    old_places = {
        skdgm.compare: ["ClassifierComparison", "compare_classifiers", "load_table"],
        skdgm.conditional: [
            "ChainRuleConditional",
            "ConditionalDensity",
            "DensityImputer",
            "GaussianDiscriminant",
            "GenerativeClassifier",
        ],
        skdgm.display: ["ComparisonDisplay"],
        skdgm.projection: ["PCAProjection"],
    }
    for module, names in old_places.items():
        for name in names:
            assert getattr(module, name) is getattr(skdgm, name)
    assert callable(skdgm.display.make_figure)
    assert all(hasattr(skdgm, name) for name in skdgm.__all__)


def test_annotations_are_shipped():
    import skdgm

    assert (Path(skdgm.__file__).parent / "py.typed").exists()


def test_diagrams_link_to_their_pages_where_there_is_an_address(monkeypatch):
    for address, link in [
        ("", ""),
        ("https://example.org/", "https://example.org/generated/skdgm."),
    ]:
        monkeypatch.setattr(documentation, "project_url", lambda _, url=address: url.rstrip("/"))
        for estimator in public_estimators():
            page = object.__new__(estimator)._get_doc_link()
            assert page == (link and f"{link}{estimator.__name__}.html")


def test_an_address_is_read_from_the_metadata(monkeypatch):
    documentation.project_url.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(documentation, "metadata", lambda _: _Metadata())
        assert documentation.project_url("Documentation") == "https://example.org"
        assert documentation.project_url("Source") == ""
    documentation.project_url.cache_clear()


class _Metadata:
    def get_all(self, _):
        return ["Documentation, https://example.org/"]


def test_diagrams_show_the_blocks_of_columns():
    blocks = [("sizes", GaussianDensity(), [0, 1]), ("kinds", ChowLiuTreeDensity(), ["kind"])]
    density = ColumnDensity(blocks, remainder=GaussianDensity("diag"))
    diagram = estimator_html_repr(GenerativeClassifier(density))
    for shown in ("sizes", "kinds", "remainder", "ChowLiuTreeDensity", "['kind']"):
        assert shown in diagram.replace("&#x27;", "'")


def test_the_version_to_cite_is_this_one():
    import skdgm

    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {skdgm.__version__}\n" in citation


def test_workflows_run_nothing_but_tox():
    tox = (ROOT / "tox.ini").read_text(encoding="utf-8")
    environments = re.search(r"^env_list = (.*)$", tox, flags=re.M)[1].split(", ")
    for file in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = file.read_text(encoding="utf-8")
        assert set(environments) <= set(re.findall(r"\w+", text))
        commands = re.findall(r"- run: (.*)$", text, flags=re.M)
        assert commands
        assert all(re.match(r"(python -m pip install )?tox\b", command) for command in commands)
