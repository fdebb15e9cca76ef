"""`make bench`: what akswi costs, as ratios measured in one run."""
