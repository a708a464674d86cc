"""The tab *Report* of a DAG run: how far it is, and what became of it, for who may see the run.

The server draws it, from the same templates as report.html (`darkroom.reports`). What Airflow knows of the run comes
from its database (`runs`), what Darkroom knows from the plan's folder (`documents`).
"""

from darkroom_airflow.pages.run_report.routes import router

__all__ = ["router"]
