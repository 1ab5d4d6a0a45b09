"""CSV files: their text, the numbers in it, and files that are written back as they were."""
