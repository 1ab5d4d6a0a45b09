"""Parts of ``benchmarks/speed.py``: data, calls, rows, measurement and the report."""
