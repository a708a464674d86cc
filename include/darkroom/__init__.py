"""Darkroom: an image studio's production line. The library and the worker; it never imports Airflow."""
