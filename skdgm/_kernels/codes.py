"""Codes of floats, and rows of codes packed into 64-bit words, most significant column first."""

import numpy as np

from ._compile import kernel

MARK = np.int32(-1)  # the largest code of any dtype, in the bits of a signed integer


@kernel
def encode_floats(values, codes):
    """Fill in the codes of categories, their largest for NaN, and return the largest category.

    The result is -1 if a value is negative, no integer, or has no code of 16 bits. The codes of
    categories that their dtype does not hold, or that would be the mark, are meaningless.
    """
    largest, fit = np.int32(0), True
    for i in range(len(values)):
        value = values[i]
        is_missing = value != value
        in_range = (value >= 0) & (value < 65_535)
        category = np.int32(value if in_range else 0)
        fit &= is_missing | (in_range & (category == value))
        largest = max(largest, category)
        codes[i] = MARK if is_missing else category
    return largest if fit else -1


@kernel
def threshold_floats(values, threshold, codes):
    """Fill in 1 for values above the threshold, 0 for others, and the largest code for NaN."""
    for i in range(len(values)):
        value = values[i]
        codes[i] = MARK if value != value else np.int32(value > threshold)


@kernel
def pack_words(codes, bits, words):
    """Fill ``words`` so that each row, read as one long binary number, ends at the last bit."""
    n_rows, width = codes.shape
    n_words = words.shape[1]
    for row in range(n_rows):
        for word in range(n_words):
            words[row, word] = 0
        place = width * bits  # bits from the end of the row's number to the end of this code
        for column in range(width):
            place -= bits
            code = np.uint64(codes[row, column])
            word = n_words - 1 - place // 64
            shift = place % 64
            words[row, word] |= code << np.uint64(shift)
            if shift + bits > 64:  # the code straddles two words
                words[row, word - 1] |= code >> np.uint64(64 - shift)


@kernel
def unpack_words(words, bits, codes):
    """Fill ``codes`` with the rows that :func:`pack_words` packed."""
    n_rows, width = codes.shape
    n_words = words.shape[1]
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    for row in range(n_rows):
        place = width * bits
        for column in range(width):
            place -= bits
            word = n_words - 1 - place // 64
            shift = place % 64
            code = words[row, word] >> np.uint64(shift)
            if shift + bits > 64:
                code |= words[row, word - 1] << np.uint64(64 - shift)
            codes[row, column] = code & mask


@kernel
def pack_windows(codes, bits, widths, keys):
    """Fill ``keys[i, row]`` with the packed window of ``widths[i]`` codes that ends at column i.

    A window must fit a word, and be at most one code wider than the one before it.
    """
    n_rows, n_columns = codes.shape
    shift = np.uint64(bits)
    for row in range(n_rows):
        key = np.uint64(0)
        for column in range(n_columns):
            unused = np.uint64(64 - bits * widths[column])
            key = ((key << shift) | np.uint64(codes[row, column])) << unused >> unused
            keys[column, row] = key


@kernel
def mark_seen(codes, seen):
    """Set ``seen[j, c]`` where column j holds code c."""
    n_rows, n_columns = codes.shape
    for row in range(n_rows):
        for column in range(n_columns):
            seen[column, codes[row, column]] = True
