"""What flows make for one another, as Airflow's assets."""

from airflow.sdk import Asset

# for any scheme but `x-...`, Airflow imports every provider that knows a scheme, whenever a DAG is parsed
RENDERS = Asset(name="darkroom://renders", uri="x-darkroom://renders", group="darkroom")
"""The renders of the studio's styles as they lie in its bucket; a partition a style."""
