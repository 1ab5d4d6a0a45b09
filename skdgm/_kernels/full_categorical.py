"""Search of joint states by some of their columns."""

from ._compile import kernel


@kernel
def find_matching(states, row, columns, found):
    """Fill ``found`` with the indices of the states that agree with the row in some columns.

    Return their number. The search is faster if the columns that tell states apart come first.
    """
    n_found = 0
    for state in range(len(states)):
        agrees = True
        for column in columns:
            if states[state, column] != row[column]:
                agrees = False
                break
        if agrees:
            found[n_found] = state
            n_found += 1
    return n_found
