"""Styles: names -> layers -> stacks -> combinations (DESIGN 5)."""
