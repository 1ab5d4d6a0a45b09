"""Several standard normal variables in boxes, by minimax tilting.

With ``x = L z``, each z_k is drawn in turn from a normal of mean mu_k in the interval that z_1 to
z_(k-1) leave it. The draws have the log-density ratio

``psi(z, mu) = sum_k mu_k**2 / 2 - mu_k z_k + log P(l_k(z) <= N(mu_k, 1) <= u_k(z))``

to the normal in the box, up to its log-probability. The mu at the saddle point, least in mu and
greatest in z, lets psi vary little, far out too: its exponential has the probability as its mean,
weighs the draws, and says which of them to reject. See Z. I. Botev, "The Normal Law under Linear
Restrictions: Simulation and Estimation via Minimax Tilting", Journal of the Royal Statistical
Society B 79(1), 2017.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from .._engine.blocks import row_blocks
from ._interval import log_mass, log_mass_from_mode, quantile

EPS = 2.0**-53
MOST_STEPS, MOST_HALVINGS, TOLERANCE = 100, 30, 1e-7  # of the search for the saddle point
MOST_COLUMNS = 10
# Points and generator of N. M. Korobov's lattices, those of small errors among a few hundred, up to
# a number of dimensions.
LATTICES = {4: (8191, 2488), MOST_COLUMNS: (32749, 11860)}
SMOOTH = 6  # dimensions up to which a substitution makes integrands periodic and smooth
FEWEST_TRIES, MOST_TRIES = 4, 100_000  # at a draw
CELLS = 2**20  # of points that are held at once


class TiltedNormals:
    """Normals in boxes, one per row.

    Parameters
    ----------
    low, high : ndarray of shape (n_rows, k)
        The ends of the boxes, in standard deviations.
    correlation : ndarray of shape (n_rows, k, k)
        The correlations of the variables.
    """

    def __init__(self, low: np.ndarray, high: np.ndarray, correlation: np.ndarray) -> None:
        # The narrowest variables first, so that those which follow are hardly bound.
        self.order = np.argsort(log_mass(low, high), axis=1, kind="stable")
        self.low = np.take_along_axis(low, self.order, axis=1)
        self.high = np.take_along_axis(high, self.order, axis=1)
        correlation = np.take_along_axis(correlation, self.order[:, :, np.newaxis], axis=1)
        correlation = np.take_along_axis(correlation, self.order[:, np.newaxis], axis=2)
        self.factor = np.linalg.cholesky(correlation)
        scale = np.einsum("ikk->ik", self.factor)
        self.low, self.high = self.low / scale, self.high / scale
        self.lower = self.factor / scale[:, :, np.newaxis]
        self.lower[:, np.arange(low.shape[1]), np.arange(low.shape[1])] = 0.0
        self.mu, z, found = _saddle_points(self.low, self.high, self.lower)
        highest = _psi(z, self.mu, self.low, self.high, self.lower)
        self.log_highest = np.where(found, highest, 0.0)  # a bound where mu is zero

    def log_mass(self) -> np.ndarray:
        """Return the log-probabilities of the boxes."""
        result = np.empty(len(self.low))
        for rows in self._blocks():
            uniform, log_weight = _points(self.low.shape[1] - 1)
            log_ratio = self._draws(rows, uniform)[1] + log_weight
            highest = log_ratio.max(axis=1, keepdims=True)
            with np.errstate(divide="ignore", invalid="ignore"):
                mean = np.mean(np.exp(log_ratio - highest), axis=1)
                result[rows] = np.log(mean) + highest[:, 0]
        return np.where(np.isnan(result), -np.inf, result)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the means, (n_rows, k), and the covariances, (n_rows, k, k)."""
        n_rows, k = self.low.shape
        mean, covariance = np.empty((n_rows, k)), np.empty((n_rows, k, k))
        for rows in self._blocks():
            uniform, log_weight = _points(k)
            x, log_ratio = self._draws(rows, uniform)
            log_ratio += log_weight
            highest = log_ratio.max(axis=1, keepdims=True)
            lost = ~np.isfinite(highest)  # boxes as narrow as rounding errors
            weight = np.exp(np.where(lost, 0.0, log_ratio - np.where(lost, 0.0, highest)))
            weight /= weight.sum(axis=1, keepdims=True)
            mean[rows] = np.einsum("in,ikn->ik", weight, x)
            x -= mean[rows, :, np.newaxis]
            covariance[rows] = (x * weight[:, np.newaxis]) @ x.transpose(0, 2, 1)
        return mean, covariance

    def draw(self, places: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Draw a point in each of some boxes, by rejection; these may repeat.

        Where the boxes are so odd that the first ``MOST_TRIES`` are rejected, the last is taken.
        """
        k = self.low.shape[1]
        drawn = np.empty((len(places), k))
        left, n_tries = np.arange(len(places)), 0
        while len(left):
            n_each = max(1, min(FEWEST_TRIES + n_tries, CELLS // (k * len(left))))
            for rows in row_blocks(len(left), k * n_each, CELLS):
                own = left[rows]
                uniform = generator.random((len(own), k + 1, n_each))
                x, log_ratio = self._draws(places[own], uniform[:, :k])
                with np.errstate(invalid="ignore"):
                    log_ratio -= self.log_highest[places[own], np.newaxis]
                accepted = ~(np.log1p(-uniform[:, k]) > log_ratio)
                accepted[:, -1] |= n_tries >= MOST_TRIES
                done = accepted.any(axis=1)
                drawn[own[done]] = x[done, :, accepted[done].argmax(axis=1)]
                left[rows] = np.where(done, -1, own)
            left = left[left >= 0]
            n_tries += n_each
        return drawn

    def _blocks(self) -> list[slice]:
        return row_blocks(len(self.low), _points(self.low.shape[1])[0].size, CELLS)

    def _draws(
        self, rows: slice | np.ndarray, uniform: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return draws, in the order of the columns, and psi at each.

        ``uniform`` has the shape (k, n_draws), or (n_rows, k, n_draws). It may lack the numbers for
        the last variable, on which psi does not depend.
        """
        low, high, lower, mu = self.low[rows], self.high[rows], self.lower[rows], self.mu[rows]
        n_rows, k = low.shape
        z = np.zeros((n_rows, k, uniform.shape[-1]))
        psi = np.zeros((n_rows, uniform.shape[-1]))
        for place in range(k):
            shift = np.einsum("ij,ijn->in", lower[:, place, :place], z[:, :place])
            own = mu[:, place, np.newaxis]
            a = low[:, place, np.newaxis] - shift - own
            b = high[:, place, np.newaxis] - shift - own
            log_between = log_mass(a, b)
            psi += log_between
            if place < uniform.shape[-2]:
                z[:, place] = own + quantile(a, b, uniform[..., place, :], log_between)
                psi += own * (own / 2 - z[:, place])
        x = np.einsum("ijk,ikn->ijn", self.factor[rows], z)
        back = np.argsort(self.order[rows], axis=1)
        return np.take_along_axis(x, back[:, :, np.newaxis], axis=1), psi


@cache
def _points(k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a lattice, of shape (k, n_points), and the logarithms of their weights.

    In few dimensions they are moved by ``t - sin(2 pi t) / (2 pi)``, which rids integrands of what
    happens at the ends, in many they are folded.
    """
    n_points, generator = next(own for most, own in LATTICES.items() if k <= most)
    vector = [pow(generator, place, n_points) for place in range(k)]
    t = (np.outer(vector, np.arange(n_points)) % n_points + 0.5) / n_points
    if k > SMOOTH:
        return np.clip(np.abs(2 * t - 1), EPS, 1 - EPS), np.zeros(n_points)
    angle = 2 * np.pi * t
    moved = np.clip(t - np.sin(angle) / (2 * np.pi), EPS, 1 - EPS)
    return moved, np.log(1 - np.cos(angle)).sum(axis=0)


def _psi(
    z: np.ndarray, mu: np.ndarray, low: np.ndarray, high: np.ndarray, lower: np.ndarray
) -> np.ndarray:
    shift = mu + np.einsum("ijk,ik->ij", lower, z)
    return np.sum(mu * (mu / 2 - z) + log_mass(low - shift, high - shift), axis=1)


def _gradient(
    z: np.ndarray, mu: np.ndarray, low: np.ndarray, high: np.ndarray, lower: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the gradient of psi in z and mu but for their last elements, and the Hessian."""
    n = low.shape[1] - 1
    shift = mu + np.einsum("ijk,ik->ij", lower, z)
    a, b = low - shift, high - shift
    log_ratio, mode = log_mass_from_mode(a, b)
    with np.errstate(over="ignore", invalid="ignore"):  # densities at the ends over the mass
        at_a, at_b = (
            np.where(np.isinf(end), 0.0, np.exp((mode - end) * (mode + end) / 2 - log_ratio))
            for end in (a, b)
        )
    slope = at_a - at_b
    bend = np.where(np.isinf(a), 0.0, a) * at_a - np.where(np.isinf(b), 0.0, b) * at_b - slope**2
    in_z = np.einsum("ij,ijk->ik", slope, lower) - mu
    in_mu = mu - z + slope
    bent = bend[:, :, np.newaxis] * lower
    cross = (bent - np.eye(n + 1))[:, :n, :n]
    hessian = np.empty((len(z), 2 * n, 2 * n))
    hessian[:, :n, :n] = (lower.transpose(0, 2, 1) @ bent)[:, :n, :n]
    hessian[:, :n, n:] = cross.transpose(0, 2, 1)
    hessian[:, n:, :n] = cross
    hessian[:, n:, n:] = (1 + bend[:, :n])[:, :, np.newaxis] * np.eye(n)
    return np.hstack([in_z[:, :n], in_mu[:, :n]]), hessian


def _saddle_points(
    low: np.ndarray, high: np.ndarray, lower: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mu and z at the saddle points, and a mask of those that are found; others are 0.

    Newton steps are halved until the gradient is shorter.
    """
    n_rows, k = low.shape
    point, found = np.zeros((n_rows, 2 * k - 2)), np.zeros(n_rows, dtype=bool)

    def split(point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        padding = np.zeros((len(point), 1))
        return np.hstack([point[:, : k - 1], padding]), np.hstack([point[:, k - 1 :], padding])

    def gradient(point: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _gradient(*split(point), low[rows], high[rows], lower[rows])

    rows = np.arange(n_rows)
    slope, hessian = gradient(point, rows)
    for _ in range(MOST_STEPS):
        length = np.linalg.norm(slope, axis=1)
        there = length <= TOLERANCE * (1 + np.abs(point[rows]).max(axis=1))
        found[rows[there]] = True
        going = ~there & np.isfinite(length)
        rows, slope, hessian, length = (own[going] for own in (rows, slope, hessian, length))
        if not len(rows):
            break
        try:
            step = -np.linalg.solve(hessian, slope[:, :, np.newaxis])[:, :, 0]
        except np.linalg.LinAlgError:
            break
        share = np.ones((len(rows), 1))
        for _ in range(MOST_HALVINGS):
            tried = point[rows] + share * step
            slope, hessian = gradient(tried, rows)
            worse = ~(np.linalg.norm(slope, axis=1) < length)
            if not worse.any():
                break
            share[worse] /= 2
        point[rows[~worse]] = tried[~worse]
        rows, slope, hessian = rows[~worse], slope[~worse], hessian[~worse]
    point[~found] = 0.0
    z, mu = split(point)
    return mu, z, found
