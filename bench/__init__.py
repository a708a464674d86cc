"""`make bench`: Darkroom beside its peers and the floor, on the same renders in one run."""
