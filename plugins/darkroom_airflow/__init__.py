"""The Airflow side of Darkroom: operators, forms, alerts, pools and the defaults that every DAG shares.

DAG files import from here, and this imports from `darkroom`; never the other way round.
"""
