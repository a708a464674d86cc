"""Which file draws which layer: source folders, double claims, shadows."""

from datetime import UTC, datetime

import pytest

from darkroom.checks.renders import folder_rank, index_renders
from darkroom.store import Entry


def entries(*keys: str) -> list[Entry]:
    return [Entry(key, 1, "e", datetime.now(UTC)) for key in keys]


def test_the_first_source_folder_that_has_a_file_wins_and_the_other_is_noted():
    index = index_renders(
        entries("old/t1_neckline_front_0000.png", "new/t1_neckline_front_0000.png", "old/t2_neckline_front_0000.png"),
        ["studio/new", "studio/old"],
    )
    assert index.files["t1_neckline_front", 0].key == "new/t1_neckline_front_0000.png"
    assert index.files["t2_neckline_front", 0].key == "old/t2_neckline_front_0000.png"
    assert index.shadowed == ["old/t1_neckline_front_0000.png"]
    assert not index.claims


def test_two_files_in_one_source_folder_both_claim_the_layer():
    index = index_renders(
        entries("new/T1_Neckline_Front_0000.png", "new/copy/t1_neckline_front_0000.png"), ["studio/new"]
    )
    assert len(index.claims["t1_neckline_front", 0]) == 2


def test_names_with_blanks_quotes_and_unicode_in_the_path_are_read():
    index = index_renders(entries("Rendered PNG's/Zoë's \"best\"/t1_neckline_front_0000.png"), ["x/Rendered PNG's"])
    assert ("t1_neckline_front", 0) in index.files


@pytest.mark.parametrize(
    ("folder", "rank"),
    [
        ("studio/two piece/render pngs", 1),
        ("two piece/render pngs/front", 1),
        ("render pngs", 1),
        ("dropbox/studio/two piece/render pngs", 1),
        ("fit and flare", 0),
        ("elsewhere", 2),
        ("", 2),
    ],
)
def test_the_store_may_begin_anywhere_in_a_source_folders_path(folder, rank):
    assert folder_rank(folder, [("studio", "fit and flare"), ("studio", "two piece", "render pngs")]) == rank
