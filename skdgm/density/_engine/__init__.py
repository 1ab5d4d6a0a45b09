"""What every family computes with: blocks of rows, statistics, missing patterns, completions."""
