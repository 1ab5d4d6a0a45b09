"""Tools of all families: blocks of rows, statistics, patterns of missing values, completions."""
