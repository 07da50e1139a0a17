"""Speed, as ratios against plain SQL in one run: ``make bench``."""
