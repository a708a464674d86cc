"""The shape of the suite itself."""

from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_every_folder_of_tests_is_a_package():
    """To pytest, fixtures of the scope `package` live until the whole session ends where a folder is none."""
    folders = {path.parent for path in TESTS.rglob("*.py")}
    assert TESTS / "dags" in folders
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []
