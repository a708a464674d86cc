"""`make stop`: end every process of the studio."""

import sys

from demo.layout import PROJECT, Layout
from demo.studio import Studio, StudioError, sentence
from demo.watch import console


def main() -> int:
    """Returns the exit code: 0 when nothing is left."""
    try:
        studio = Studio(Layout(PROJECT / "var"))
        with studio.locked(), console.status("stopping the studio ..."):
            ran = bool(studio.processes())
            studio.stop()
    except (StudioError, OSError) as error:
        console.print(sentence(error), markup=False, style="red", soft_wrap=True)
        return 1
    left = studio.processes()
    if left:
        console.print("These would not end:", *left, sep="\n", markup=False, style="red")
        return 1
    if ran:
        console.print("The studio is stopped; its pictures and its database stay in var/.")
    else:
        console.print("Nothing is running.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
