"""skdgm inside other tools: one realistic script for each, on scikit-learn's own data sets."""
