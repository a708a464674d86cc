"""What was delivered for a style: which file draws which layer, and whether all of it is there and fit to be used."""
