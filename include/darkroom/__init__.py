"""Darkroom: an image studio's production line. The library and the worker; it never imports Airflow."""

from importlib.metadata import version

__version__ = version("darkroom")
