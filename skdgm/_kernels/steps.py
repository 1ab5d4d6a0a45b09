"""Step functions as densities: boxes around sorted values, which reach to their k-th neighbours."""

import numpy as np

from ._compile import kernel


@kernel
def neighbour_distances(values, weight, ks, distance):
    """Set ``distance[i]`` to that of each value to its ``ks[i]``-th neighbour.

    ``values`` are distinct and ascending; the copies of a value beyond the first are neighbours at
    distance zero. Where there are too few, the farthest neighbour counts.
    """
    n = len(values)
    for i in range(n):
        left, right = i - 1, i + 1
        reached = weight[i] - min(1.0, weight[i])
        farthest = 0.0
        for place in range(len(ks)):
            while reached < ks[place] and (left >= 0 or right < n):
                to_left = values[i] - values[left] if left >= 0 else np.inf
                to_right = values[right] - values[i] if right < n else np.inf
                if to_left <= to_right:
                    farthest = to_left
                    reached += weight[left]
                    left -= 1
                else:
                    farthest = to_right
                    reached += weight[right]
                    right += 1
            distance[place, i] = farthest


@kernel
def held_out_density(values, weight, low, high, low_without, high_without, density):
    """Set ``density`` to that of the boxes at each value, when one row of that value is left out.

    A box that holds the row it loses reaches one neighbour further: from ``low_without`` to
    ``high_without``.
    """
    n = len(values)
    total = weight.sum()
    inside = 0.0
    started = np.zeros(n + 1)
    for j in range(n):
        height = weight[j] / (high_without[j] - low_without[j])
        started[np.searchsorted(values, low[j], side="left")] += height
        started[np.searchsorted(values, high[j], side="right")] -= height
    for i in range(n):
        inside += started[i]
        own = min(1.0, weight[i]) / (high_without[i] - low_without[i])
        density[i] = max(inside - own, 0.0) / max(total - min(1.0, weight[i]), 1e-300)


@kernel
def mixing_proportions(densities, weight, prior, tol, max_iter):
    """Return the proportions of densities that give rows the highest likelihood, by EM.

    ``densities`` has one row per density, and ``prior`` counts rows for each.
    """
    n_densities, n = densities.shape
    proportion, expected = np.empty(n_densities), np.empty(n_densities)
    for k in range(n_densities):
        proportion[k] = 1.0 / n_densities
    mixed = np.empty(n)
    for _ in range(max_iter):
        for i in range(n):
            mixed[i] = 0.0
        for k in range(n_densities):
            for i in range(n):
                mixed[i] += proportion[k] * densities[k, i]
        for i in range(n):
            mixed[i] = weight[i] / mixed[i] if mixed[i] > 0.0 else 0.0
        total = 0.0
        for k in range(n_densities):
            share = 0.0
            for i in range(n):
                share += densities[k, i] * mixed[i]
            expected[k] = proportion[k] * share + prior[k]
            total += expected[k]
        change = 0.0
        for k in range(n_densities):  # Numba takes seconds to compile a copy of an array
            share = expected[k] / total
            change = max(change, abs(share - proportion[k]))
            proportion[k] = share
        if change < tol:
            break
    return proportion
