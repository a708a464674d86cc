"""The four operators that every flow is made of: plan -> run -> settle -> report."""

from darkroom_airflow.operators.jobs import job_operator
from darkroom_airflow.operators.plan import PlanOperator
from darkroom_airflow.operators.report import ReportOperator
from darkroom_airflow.operators.settle import SettleOperator

__all__ = ["PlanOperator", "ReportOperator", "SettleOperator", "job_operator"]
