"""Guarded HTTP, and other people's services."""
