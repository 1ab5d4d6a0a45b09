"""Configuration of the documentation, which ``tox -e doc`` builds."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

# The examples use small matrices, on which more BLAS threads would cost more than they save.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent / "extensions"))

from inventories import found_inventories
from sphinx_gallery.sorting import ExplicitOrder

import skdgm
from skdgm._estimator import project_url

project = "skdgm"
copyright = "the skdgm developers"
version = release = skdgm.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "mathml",
]
exclude_patterns = ["_build", "extensions"]
templates_path = ["templates"]

autodoc_typehints = "none"  # the docstrings give the types
autosummary_generate = True
numpydoc_show_class_members = False  # templates/class.rst lists them
smartquotes = False  # default="auto" is code
toc_object_entries_show_parents = "hide"
html_math_renderer = "mathml"
intersphinx_mapping = found_inventories()

html_theme = "pydata_sphinx_theme"
html_title = "skdgm"
html_logo = "static/logo.svg"
html_favicon = "static/logo.svg"
html_static_path = ["static"]
html_css_files = ["style.css"]
html_show_sourcelink = False
html_baseurl = project_url("Documentation")
html_sidebars = {page: [] for page in ("index", "getting_started", "changelog")}
html_theme_options = {
    "logo": {"text": "skdgm", "alt_text": "skdgm, to the start"},
    "navbar_end": ["theme-switcher", "navbar-icon-links"],
    "icon_links": [
        {"name": "Source", "url": url, "icon": "fa-solid fa-code"}
        for url in [project_url("Source")]
        if url
    ],
    # Gallery pages have none, to leave room for their code.
    "secondary_sidebar_items": {"*": ["page-toc"], "gallery/**": [], "index": []},
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": [],
}

GROUPS = (
    *("tables", "missing_values", "classification", "clusters", "images", "families"),
    "large_data",
)
sphinx_gallery_conf = {
    "parallel": 2,  # examples at once
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "subsection_order": ExplicitOrder([f"../examples/{group}" for group in GROUPS]),
    "within_subsection_order": "FileNameSortKey",
    "image_srcset": ["2x"],
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "doc_module": ("skdgm",),
    "reference_url": {"skdgm": None},
    "backreferences_dir": "generated/backreferences",
    "remove_config_comments": True,
}


def tidy_docstring(
    app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Remove links to scikit-learn's user guide and glossary from inherited docstrings.

    An author's initial that begins a reference would begin a list without its backslash.
    """
    tidy = [re.sub(r":(?:ref|term|doc):`([^`<]+?)(?:\s*<[^`]*>)?`", r"\1", s) for s in lines]
    lines[:] = [re.sub(r"^(\s*\.\. \[\w+\] [A-Z])\. ", r"\1\\. ", s) for s in tidy]


def skip_routing(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the methods for metadata routing, which scikit-learn documents itself."""
    routing = name == "get_metadata_routing" or re.fullmatch(r"set_\w+_request", name)
    return True if routing else None


def read_changelog(app: Any, docname: str, source: list[str]) -> None:
    """Append CHANGELOG.md to the changelog page, with headings and code converted to reST."""
    if docname != "changelog":
        return
    path = Path(app.srcdir).parent / "CHANGELOG.md"
    app.env.note_dependency(str(path))
    text = re.sub(r"^# .*\n", "", path.read_text(encoding="utf-8"))
    text = re.sub(r"`([^`]+)`", r"``\1``", text)
    text = re.sub(r"^## (.*)$", lambda m: f"{m[1]}\n{'-' * len(m[1])}", text, flags=re.M)
    source[0] += text


def setup(app: Any) -> None:
    """Connect the functions above."""
    app.connect("autodoc-process-docstring", tidy_docstring, priority=100)  # before numpydoc
    app.connect("autodoc-skip-member", skip_routing)
    app.connect("source-read", read_changelog)
