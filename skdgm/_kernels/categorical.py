"""Independent columns of categories, of which all values stand in one list, column after column."""

from ._compile import kernel


@kernel
def add_shares(codes, missing, start, shares, counts):
    """Add the shares of each row to ``counts[start[column] + code]``, where it is not missing."""
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        for column in range(n_columns):
            code = codes[row, column]
            if code != missing:
                place = start[column] + code
                for k in range(shares.shape[1]):
                    counts[place, k] += shares[row, k]


@kernel
def add_log_prob(codes, missing, start, log_probability, log_prob):
    """Add ``log_probability[start[column] + code]`` of the observed values of each row."""
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        for column in range(n_columns):
            code = codes[row, column]
            if code != missing:
                place = start[column] + code
                for k in range(log_probability.shape[1]):
                    log_prob[row, k] += log_probability[place, k]
