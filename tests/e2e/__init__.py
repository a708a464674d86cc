"""The whole studio: every component of Airflow in processes of its own."""
