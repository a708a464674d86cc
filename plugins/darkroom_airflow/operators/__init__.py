"""The four operators that every flow is made of: plan -> run -> settle -> report.

And for flows that need them: `collect` before a plan, `approve` after it.
"""

from darkroom.logs import quiet_libraries
from darkroom_airflow.operators.approval import PlanApproval
from darkroom_airflow.operators.collect import CollectOperator
from darkroom_airflow.operators.jobs import run_jobs
from darkroom_airflow.operators.plan import PlanOperator
from darkroom_airflow.operators.report import ReportOperator
from darkroom_airflow.operators.settle import SettleOperator

quiet_libraries()  # here, as each task imports this before it works

__all__ = ["CollectOperator", "PlanApproval", "PlanOperator", "ReportOperator", "SettleOperator", "run_jobs"]
