"""The DAGs in an Airflow of this process: parsed, and run task by task."""
