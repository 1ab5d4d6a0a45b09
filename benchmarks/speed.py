"""Speed and memory of the public calls, beside peers and the physical yardstick of each.

usage: python benchmarks/speed.py [--only PATTERN] [--quick] [--json FILE] [--readme]

Each row is a public call end to end, validation included, on data that the script makes itself.
Beside it, in the same process and by turns, run the yardstick of the row (a pass over the same
bytes, ``X.max()``; a matrix product of the same shape; as many random numbers; as many Cholesky
factors) and, where there is one, its peer in scikit-learn or another library. Times are medians;
a row marked ~ was measured on fewer rows and scaled up. Memory is the peak that a call adds to its
input and result, as a multiple of the input (of samples: of the result), bold above 1.5.

More tables tell how times grow, with the exponent of their least-squares power law; what two jobs
gain, beside what two threads gain on the yardstick; and what the first use costs.

The tables are Markdown; ``--readme`` puts them into ``benchmarks/README.md``. A run takes up to ten
minutes on two cores.
"""

import argparse
import json
import logging
import os
import platform
import re
import time
import warnings
from functools import partial
from pathlib import Path

import numba
import numpy as np
import sklearn
from _speed import first_use, libraries, report, rows, scaling, threads

import skdgm

README = Path(__file__).parent / "README.md"
MARK = "<!-- what speed.py --readme writes -->\n"
QUICK = 50  # times fewer rows


class Run:
    """The tables of one run: what is wanted, what is written, what is found."""

    def __init__(self, only, divisor):
        self.wanted = re.compile(only, re.IGNORECASE)
        self.divisor = divisor
        self.lines, self.results = [], {}

    def write(self, line):
        """Write a line at once."""
        self.lines.append(line)
        print(line, flush=True)

    def table(self, title, heads, cells, measures):
        """Write a table, given what measures each row, by the name of the row."""
        wanted = [own for name, own in measures if self.wanted.search(f"{title}: {name}")]
        if wanted:
            table = report.Table(self.write, title, heads)
        for measure in wanted:
            result = measure()
            self.results.setdefault(title, []).append(result)
            table.row(*cells(result))

    def calls(self, title, made):
        """Write a table of calls."""
        measures = [
            (f"{row.name}, {row.source.label}", partial(row.measure, self.divisor)) for row in made
        ]
        self.table(title, report.CALLS, report.call_row, measures)

    def all(self):
        """Write all tables."""
        for title, made in {**rows.SECTIONS, "Other libraries": libraries.rows}.items():
            self.calls(title, made())
        for title, part, heads, cells in (
            ("Growth", scaling, report.SCALING, report.scaling_row),
            ("Threads", threads, report.THREADS, report.threads_row),
        ):
            measures = [
                (", ".join(map(str, own[:2])), partial(part.measure, *own, self.divisor))
                for own in part.rows()
            ]
            self.table(title, heads, cells, measures)
        measures = [(own, partial(first_use.measure_import, own)) for own in first_use.IMPORTS]
        self.table("Imports", report.IMPORTS, report.import_row, measures)
        measures = [(own, partial(first_use.measure_calls, own)) for own in first_use.DENSITIES]
        self.table("First calls", report.FIRST_CALLS, report.first_call_row, measures)


def main():
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="PATTERN", default="", help="of 'table: call, data'")
    parser.add_argument("--quick", action="store_true", help=f"on {QUICK} times fewer rows")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the results")
    parser.add_argument("--readme", action="store_true", help="also into benchmarks/README.md")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.INFO)
    start = time.perf_counter()
    run = Run(arguments.only, QUICK if arguments.quick else 1)
    versions = {"Python": platform.python_version()} | {
        module.__name__: module.__version__ for module in (skdgm, np, sklearn, numba)
    }
    run.write(", ".join(f"{name} {version}" for name, version in versions.items()))
    run.write(f"on {os.cpu_count()} cores.")
    run.all()
    results = [result for table in run.results.values() for result in table]
    minutes = (time.perf_counter() - start) / 60
    run.write(f"\n{report.summary(results)} The run took {minutes:.1f} minutes.")
    if arguments.json:
        arguments.json.write_text(json.dumps({"versions": versions, "tables": run.results}))
    if arguments.readme:
        before = README.read_text().split(MARK)[0]
        README.write_text(before + MARK + "\n".join(["", *run.lines, ""]))


if __name__ == "__main__":
    main()
