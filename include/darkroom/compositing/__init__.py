"""Compositing: every picture of a style, each different one drawn once (DESIGN 6)."""
