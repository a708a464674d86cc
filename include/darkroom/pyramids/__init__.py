"""Scans and other images -> pyramid TIFFs that image servers read (DESIGN 7)."""
