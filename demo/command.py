"""`make airflow ARGS="dags list"`: Airflow's own command line, with the studio's database and settings."""

import sys

from demo.layout import PROJECT, Layout
from demo.studio import Studio, StudioError, sentence
from demo.watch import console


def main() -> int:
    """Returns Airflow's exit code; 1 where there is no studio yet."""
    try:
        return Studio(Layout(PROJECT / "var")).airflow_here(sys.argv[1:])
    except (StudioError, OSError) as error:
        console.print(sentence(error), markup=False, style="red", soft_wrap=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
