"""Answers about tables, where the truth is known: spoiled cells, intervals, standard errors.

usage: python benchmarks/questions.py --data FOLDER [--parts NAME ...] [--tables NAME ...] [--quick]

- spoiled: 2 % of the cells of each table are spoiled (swapped digits, another row's category,
  mistaken units); how many are found among the most surprising ones, beside outlier detectors for
  rows.
- intervals: the share of removed numbers that lie in the conditional intervals at several levels.
- rubin: coverage of 95 % intervals after multiple imputation, on simulated rows of which 30 % of
  the cells are removed, beside complete cases and a single imputation.

The tables are the CSV files in FOLDER/tables, as pandas reads them.
"""

import argparse
from importlib import import_module
from pathlib import Path

import pandas as pd

PARTS = ("spoiled", "intervals", "rubin")


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with tables/*.csv")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--tables", nargs="+", help="names of tables (default: all)")
    parser.add_argument("--quick", action="store_true", help="few rows and repeats, for a trial")
    arguments = parser.parse_args()
    files = sorted((arguments.data / "tables").glob("*.csv"))
    tables = {
        file.stem: pd.read_csv(file)
        for file in files
        if not arguments.tables or file.stem in arguments.tables
    }
    for part in arguments.parts:
        print(f"\n## {part}\n", flush=True)
        import_module(f"_questions.{part}").run(tables, arguments.quick)


if __name__ == "__main__":
    main()
