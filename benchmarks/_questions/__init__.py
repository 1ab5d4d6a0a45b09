"""The questions of a table that ``benchmarks/questions.py`` puts to the library, one per module."""
