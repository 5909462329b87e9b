"""Search for task weights: a grid, or successive halving, at equal budget and with seeds."""
