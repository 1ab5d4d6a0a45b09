"""
What each family draws: samples of every digit
==============================================

A classifier by Bayes' rule holds one density ``p(x | y)`` per class, so it can draw new images of a
class as well as recognise it. Samples show what a family knows about digits and what it leaves out.
Does a model that draws well also classify well, and does it score new images well?
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skdgm import (
    BernoulliIndependentDensity,
    FullCategoricalDensity,
    GaussianDensity,
    GenerativeClassifier,
    MarkovChainImageDensity,
    SampleDisplay,
)

# %%
# The discrete families get images of ink (1) and paper (0), the Gaussian ones the 17 grey levels.

grey, y = load_digits(return_X_y=True)
grey_train, grey_test, y_train, y_test = train_test_split(grey, y, stratify=y, random_state=0)
ink_train, ink_test = [(images > 7).astype(np.uint8) for images in (grey_train, grey_test)]

ink_families = {
    "independent pixels": BernoulliIndependentDensity(),
    "chain, order 1": MarkovChainImageDensity(order=1, n_categories=2),
    "chain, order 8": MarkovChainImageDensity(order=8, n_categories=2),
    "the same, alpha 0.1": MarkovChainImageDensity(order=8, n_categories=2, alpha=0.1),
    "full table": FullCategoricalDensity(n_categories=2),
}
grey_families = {
    "Gaussian, diagonal": GaussianDensity("diag", reg_covar=0.005),
    "Gaussian, low rank": GaussianDensity("low_rank", n_factors=15),
}

# %%
# ``GenerativeClassifier`` fits one clone of the density to the images of each digit. It predicts
# the digit, scores images regardless of their digit (``score_samples``), and draws images of given
# digits. The last column is the share of samples that copy a training image.

wanted = np.arange(10)  # a sample of each digit
samples = {}
print(f"{'family':19}  {'accuracy':>8}  {'held-out nats':>13}  {'copies':>6}")
for families, train, test in [
    (ink_families, ink_train, ink_test),
    (grey_families, grey_train, grey_test),
]:
    known = {image.tobytes() for image in train}
    for name, density in families.items():
        model = GenerativeClassifier(density).fit(train, y_train)
        samples[name], _ = model.sample(len(wanted), y=wanted, random_state=4)
        accuracy, log_prob = model.score(test, y_test), model.score_samples(test).mean()
        many, _ = model.sample(1000, random_state=0)
        copies = np.mean([image.tobytes() in known for image in many])
        print(f"{name:19}  {accuracy:8.1%}  {log_prob:13.2f}  {copies:6.1%}")

# %%
# The nats of ink and grey families cannot be compared: the first are log-probabilities of binary
# images, the second log-densities of grey ones. Accuracies can.

one_each = [np.flatnonzero(y_train == digit)[0] for digit in range(10)]
lines = {"real, in ink": ink_train[one_each]}
lines |= {name: samples[name] for name in ink_families}
lines |= {"real, in grey": grey_train[one_each] / 16}
lines |= {name: samples[name] / 16 for name in grey_families}
display = SampleDisplay.from_rows(lines, image_shape=(8, 8), limits=(0, 1))
display.ax_.set_title("Real digits, and digits drawn by each family", fontsize=11)
plt.show()

# %%
# **Finding.**
#
# - *Independent pixels* know where ink is likely, but each pixel is drawn alone: edges fray, and
#   strokes have gaps.
# - The *chain of order 1* ties a pixel to its left neighbour, so horizontal strokes hold together,
#   and held-out images gain 0.6 nats. It does not see the row above.
# - The *chain of order 8* does, but has 2**8 contexts per pixel and only some 135 images per digit.
#   After a context never seen, the next pixel is a fair coin; one such toss leads to the next, and
#   the image ends as noise. A pseudo-count of 0.1 instead of 1 makes wrong turns rare: the samples
#   become digits, and the held-out score is the best of the ink families.
# - The *full table* draws perfect digits, because nearly all of them are copies of training images.
#   It knows nothing else: its held-out score is below that of fair coins, -44.4 nats, and its
#   accuracy is little above chance. Good samples alone do not make a good model.
# - The *diagonal Gaussian* is the grey case of independent pixels: right on average, but grainy.
#   The *low-rank Gaussian* has 15 axes per digit along which whole strokes move together; it draws
#   new digits, smooth and a little blurred, and classifies 99 of 100 test images correctly.
