"""Alerts: what a message says, where it goes, who has silenced it, and which failures nobody has mended yet.

Whoever runs Airflow sends them (`darkroom_airflow.alerts`); nothing here does.
"""
