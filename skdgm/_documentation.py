"""Links from estimators to their pages, where the project has a public address.

The address is said once, as ``Documentation`` under ``[project.urls]`` in pyproject.toml.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata

from sklearn.base import BaseEstimator


@cache
def project_url(label: str) -> str:
    """Return an address of the project by its label in pyproject.toml, or "" if it has none."""
    try:
        found = metadata("skdgm").get_all("Project-URL") or []
    except PackageNotFoundError:  # run from a folder, not installed
        return ""
    urls = dict(entry.split(", ", 1) for entry in found)
    return urls.get(label, "").rstrip("/")


class DocumentedEstimator(BaseEstimator):
    """An estimator whose diagram links to its page in the documentation of this package."""

    _doc_link_module = "skdgm"

    @property
    def _doc_link_template(self) -> str:
        """The address of a page, or "" for no link."""
        url = project_url("Documentation")
        return url and url + "/generated/skdgm.{estimator_name}.html"
