"""Profiles are data: what is wrong in one is said by line, and none is written over anything else."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkroom.errors import BadInput
from darkroom.guards import Guards, parse_max_delete
from darkroom.settings import Environment, Settings, settings
from darkroom.sync.profiles import (
    Profile,
    contradictions,
    load_profile,
    profile_files,
    read_profile,
    write_profile,
)

SHORT = "from: /mnt/shops\nto: s3://shop-pictures\n"
WHOLE = (
    SHORT
    + """\
rules: none
exclude: ['drafts/**', '*.tmp']
guards: {objects: 20, percent: 5}
set_aside: false
enabled: false
environment: prod
"""
)
SHIPPED = Path(__file__).resolve().parents[2] / "include" / "profiles"


def load(text: str) -> Profile:
    return load_profile(text.encode(), "shops.yaml", "shops")


def wrong(text: str) -> list[str]:
    with pytest.raises(BadInput) as refused:
        load(text)
    return refused.value.problems


def profile(**given: object) -> Profile:
    return Profile.model_validate({"name": "shops", "from": "/mnt/shops", "to": "s3://shop-pictures", **given})


def test_a_whole_profile_is_read() -> None:
    read = load(WHOLE)
    assert (read.name, read.source, read.target, read.rules) == ("shops", "/mnt/shops", "s3://shop-pictures", "none")
    assert (read.exclude, read.guards) == (("drafts/**", "*.tmp"), Guards(objects=20, percent=5))
    assert (read.set_aside, read.enabled, read.environment) == (False, False, Environment.PROD)
    assert Profile.model_validate_json(read.model_dump_json(by_alias=True)) == read
    assert Profile.model_validate_json(read.model_dump_json()) == read


def test_two_places_are_enough() -> None:
    read = load(SHORT)
    assert (read.rules, read.exclude, read.guards) == ("stores", (), Guards(objects=100, percent=10))
    assert (read.set_aside, read.enabled, read.environment) == (True, True, None)
    for empty in ("rules:\n", "rules: ''\n"):
        assert load(SHORT + empty).rules == "stores"
    assert load(SHORT + "exclude: drafts/\n").exclude == ("drafts/",)


def test_a_folder_may_be_a_uri_of_this_machine() -> None:
    assert load("from: file:///mnt/my%20shops\nto: s3://shop-pictures\n").source == "/mnt/my shops"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from: /mnt/shops\n", "shops.yaml, line 1: 'to' is missing; add it."),
        (SHORT + "rule: none\n", "shops.yaml, line 3: 'rule' is no key of a profile; did you mean 'rules'?"),
        (SHORT + "guards: {object: 5}\n", "shops.yaml, line 3: 'object' is no key of guards; did you mean 'objects'?"),
        (SHORT + "guards: {percent: 120}\n", "shops.yaml, line 3: guards.percent: it must be 100 or less, not 120"),
        (SHORT + "guards: {objects: -1}\n", "shops.yaml, line 3: guards.objects: it must be 0 or more, not -1"),
        (
            SHORT + "guards: {objects: true}\n",
            "shops.yaml, line 3: guards.objects: it must be a whole number, not true",
        ),
        (SHORT + "guards: {percent: '5'}\n", "shops.yaml, line 3: guards.percent: it must be a whole number, not '5'"),
        (SHORT + "set_aside: perhaps\n", "shops.yaml, line 3: set_aside: it must be true or false, not 'perhaps'"),
        (SHORT + "environment: live\n", "shops.yaml, line 3: environment: it must be 'stage' or 'prod', not 'live'"),
        (SHORT + "rules: store\n", "shops.yaml, line 3: rules: 'store' is no rule set; did you mean 'stores'?"),
        (SHORT + "rules: ./nowhere.yaml\n", "shops.yaml, line 3: rules: nowhere.yaml: there is no such file; name a"),
        (SHORT + "exclude: ['']\n", "shops.yaml, line 3: exclude: '' is no pattern"),
        (SHORT + "exclude: ['[z-a]']\n", "shops.yaml, line 3: exclude: '[z-a]' is no pattern"),
        (SHORT + "name: shops\n", "shops.yaml, line 3: a profile's name is its file's; leave 'name' out."),
        (SHORT + "from: /mnt/others\n", "shops.yaml, line 3: 'from' stands twice; keep one of the two."),
        ("from: ''\nto: s3://shop-pictures\n", "shops.yaml, line 1: from: it is empty; write the folder's path."),
        ("from: s3://a-b\nto: s3://c-d\n", "shops.yaml, line 1: from: 's3://a-b' is no folder; write the path of one"),
        (
            "from: smb://nas/x\nto: s3://c-d\n",
            "shops.yaml, line 1: from: 'smb://nas/x' is no folder; write the path of",
        ),
        ("from: file://nas/x\nto: s3://c-d\n", "shops.yaml, line 1: from: 'file://nas/x' is no folder; write the path"),
        ("from: /mnt/shops\nto: ftp://a\n", "shops.yaml, line 2: to: ftp://a: no store for ftp:// addresses"),
        ("from: /mnt/shops\nto: s3://A\n", "shops.yaml, line 2: to: s3://A: 'A' is no bucket's name"),
        ("from: /mnt/shops\nto: ' '\n", "shops.yaml, line 2: to: A store's location is empty"),
        (
            "from: /mnt/shops\nto: /mnt/shops/pictures\n",
            "shops.yaml, line 2: to: it lies in 'from', or the other way round; each needs a place of its own.",
        ),
        ("from: /mnt/shops\nto: file:///mnt/shops\n", "shops.yaml, line 2: to: it lies in 'from', or"),
        ("from: /mnt/shops\nto: /mnt\n", "shops.yaml, line 2: to: it lies in 'from', or"),
        ("from: /\nto: /mnt\n", "shops.yaml, line 2: to: it lies in 'from', or"),
        ("from: /mnt/a/../shops\nto: /mnt/shops/b\n", "shops.yaml, line 2: to: it lies in 'from', or"),
        ("- a\n", "shops.yaml: a profile is a mapping of keys ("),
    ],
)
def test_what_is_wrong_is_said_by_line(text: str, said: str) -> None:
    problems = wrong(text)
    assert any(one.startswith(said) for one in problems), problems


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert len(wrong("from: s3://a-b\nto: ftp://a\nrules: store\nexclude: ['']\nname: x\n")) == 5


def test_a_folder_beside_another_of_a_longer_name_is_a_place_of_its_own() -> None:
    assert load("from: /mnt/shops\nto: /mnt/shops-copy\n")


def test_a_link_into_the_folder_is_seen(tmp_path: Path) -> None:
    (tmp_path / "shops" / "out").mkdir(parents=True)
    (tmp_path / "elsewhere").symlink_to(tmp_path / "shops" / "out")
    found = list(contradictions(profile(**{"from": str(tmp_path / "shops"), "to": str(tmp_path / "elsewhere")})))
    assert [path for path, _ in found] == [("to",)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"from: !!python/object/apply:os.system [id]\nto: s3://a-b\n",
        b"from: &a /mnt\nto: *a\n",
        b"[" * 5000,
        b"from: [/mnt]\nto: {a: b}\n",
        b"from: 5\nto: true\n",
        b"from: /mnt\nto: s3://a-b\nguards: [1]\n",
        b"from: /mnt\nto: s3://a-b\nexclude: {a: b}\n",
        b"from: /mnt\nto: s3://a-b\nexclude: [[a]]\n",
        b"from: /mnt\nto: s3://a-b\nrules: [stores]\n",
        b"from: /mnt\nto: s3://a-b\nrules: /dev/zero\n",
        b"from: /mnt\nto: s3://a-b\nrules: ../../../../../../etc/passwd\n",
        b'from: "/mnt/\\0"\nto: s3://a-b\n',
        b'from: /mnt\nto: "/a\\0b"\n',
        b'from: "/mnt/\\udc80"\nto: s3://a-b\n',
        b"x" * (2 << 20),
    ],
)
def test_hostile_profiles_are_refused_in_sentences(data: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        load_profile(data, "shops.yaml", "shops")
    assert all(one.startswith("shops.yaml") and len(one) < 500 for one in refused.value.problems)


@pytest.mark.parametrize("name", ["", ".hidden", "a b", "ü", "a/b", "-a", "x" * 101, "a\n"])
def test_a_name_that_is_no_plain_word_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot name a profile"):
        load_profile(SHORT.encode(), "shops.yaml", name)
    with pytest.raises(BadInput, match="cannot name a profile"):
        write_profile(profile(name=name), tmp_path)
    assert list(tmp_path.iterdir()) == []


# files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DARKROOM_PROFILES_DIR", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_the_deployments_profiles_are_its_yaml_files_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.yaml", "a.yaml", "notes.txt", ".darkroom-1f"):
        (folder / name).write_text(SHORT)
    assert [file.name for file in profile_files().values()] == ["a.yaml", "b.yaml"]
    assert read_profile(folder / "a.yaml").name == "a"
    monkeypatch.setenv("DARKROOM_PROFILES_DIR", str(folder / "nowhere"))
    settings.cache_clear()
    assert profile_files() == {}


def test_the_shipped_profile_is_whole_and_does_not_run_by_itself() -> None:
    read = read_profile(SHIPPED / "stores.yaml")
    assert read == profile(name="stores", enabled=False)
    assert Settings.model_fields["profiles_dir"].default == SHIPPED


def test_rules_are_looked_for_from_the_profiles_folder_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mine.yaml").write_text("content: png\n")
    (folder / "shops.yaml").write_text(SHORT + "rules: ./mine.yaml\n")
    monkeypatch.chdir("/")
    assert read_profile(folder / "shops.yaml").rules == str(folder / "mine.yaml")


def test_what_cannot_be_read_is_said(folder: Path) -> None:
    (folder / "folder.yaml").mkdir()
    os.mkfifo(folder / "pipe.yaml")
    for name, said in (
        ("nowhere.yaml", "No such file or directory"),
        ("folder.yaml", "it is no file"),
        ("pipe.yaml", "it is no file"),
    ):
        with pytest.raises(BadInput) as refused:
            read_profile(folder / name)
        assert refused.value.problems == [f"{folder / name}: {said}; name a profile's YAML file."]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {
            "rules": "none",
            "exclude": ["drafts/**", "*.tmp", "a b", "[a-f]", "it's", '"', "#x", "true", "5", "- a", "a: b", "ü", "\t"],
            "guards": Guards(objects=0, percent=100),
            "set_aside": False,
            "enabled": False,
            "environment": "prod",
        },
        {"from": "/mnt/ # 1: 'shops' \"a\" \\ ü\n\U0001f600\u2028"},
        {"from": "/true", "to": "/no"},
        {"guards": parse_max_delete("5%")},
    ],
)
def test_a_written_profile_is_read_back_as_it_was(given: dict[str, object], folder: Path) -> None:
    written = write_profile(profile(**given), folder)
    assert written == folder / "shops.yaml"
    assert read_profile(written) == profile(**given)
    assert [path.name for path in folder.iterdir()] == ["shops.yaml"]
    assert stat.S_IMODE(written.stat().st_mode) & 0o400


def test_paths_are_written_as_whole_ones(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "work").mkdir()
    monkeypatch.chdir(folder / "work")
    monkeypatch.setenv("HOME", "/home/ann")
    (folder / "work" / "mine.yaml").write_text("content: png\n")
    given = profile(**{"from": "shops", "to": "~/copy", "rules": "./mine.yaml"})
    read = read_profile(write_profile(given, folder / "made"))
    assert (read.source, read.target) == (str(folder / "work" / "shops"), "/home/ann/copy")
    assert read.rules == str(folder / "work" / "mine.yaml")


def test_a_profile_is_replaced_and_nothing_else_is(folder: Path) -> None:
    write_profile(profile(), folder)
    write_profile(profile(rules="none"), folder)
    assert read_profile(folder / "shops.yaml").rules == "none"
    (folder / "shops.yaml").write_text(SHORT + "rules: gone\n")  # with a mistake in it, and a profile all the same
    write_profile(profile(), folder)
    for other in ("from: gs://a-b\nto: s3://c-d\narchive: s3://e-f\n", "a letter", ""):
        (folder / "shops.yaml").write_text(other)
        with pytest.raises(BadInput) as refused:
            write_profile(profile(), folder)
        assert refused.value.problems[0] == (
            f"{folder / 'shops.yaml'}: it is no profile, and is not replaced; move it away, or take another name."
        )
        assert (folder / "shops.yaml").read_text() == other
    assert [path.name for path in folder.iterdir()] == ["shops.yaml"]


def test_a_folder_or_a_dead_link_at_its_place_is_not_replaced(folder: Path) -> None:
    (folder / "shops.yaml").symlink_to(folder / "nowhere")
    (folder / "menus.yaml").mkdir()
    for name in ("shops", "menus"):
        with pytest.raises(BadInput, match="it is no profile, and is not replaced"):
            write_profile(profile(name=name), folder)
    assert (folder / "shops.yaml").is_symlink()


def test_a_link_is_replaced_and_what_it_leads_to_is_not_written(folder: Path) -> None:
    (folder / "elsewhere").write_text(SHORT)
    (folder / "shops.yaml").symlink_to(folder / "elsewhere")
    write_profile(profile(rules="none"), folder)
    assert (folder / "elsewhere").read_text() == SHORT
    assert read_profile(folder / "shops.yaml").rules == "none"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"from": "s3://a-b"}, "from: 's3://a-b' is no folder"),
        ({"to": "/mnt/shops/x"}, "to: it lies in 'from'"),
        ({"rules": "store"}, "rules: 'store' is no rule set"),
        ({"exclude": [""]}, "exclude: '' is no pattern"),
        ({"from": "/mnt/\udcff"}, "from: '/mnt/\\udcff' is no UTF-8, and a profile is; rename the folder."),
    ],
)
def test_a_profile_that_cannot_be_is_not_written(given: dict[str, object], said: str, folder: Path) -> None:
    with pytest.raises(BadInput) as refused:
        write_profile(profile(**given), folder)
    assert refused.value.problems[0].startswith(said)
    assert list(folder.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_said(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(BadInput, match="it cannot be written"):
        write_profile(profile(), folder / "file")


# how much may be removed


@pytest.mark.parametrize(
    ("said", "guards"),
    [
        ("50", (50, 100)),
        ("0", (0, 100)),
        (" 7 ", (7, 100)),
        ("5%", (10**9, 5)),
        ("5 %", (10**9, 5)),
        ("0%", (10**9, 0)),
        ("100%", (10**9, 100)),
    ],
)
def test_a_number_or_a_share_may_be_removed(said: str, guards: tuple[int, int]) -> None:
    read = parse_max_delete(said)
    assert (read.objects, read.percent) == guards


@pytest.mark.parametrize("said", ["", "%", "-1", "-5%", "101%", "5.5", "5%%", "all", "٥", "1e3", "9" * 10, "5\n6"])
def test_what_is_neither_is_refused(said: str) -> None:
    with pytest.raises(BadInput, match=r"max_delete: .* is neither a number of objects, such as 50, nor a share"):
        parse_max_delete(said)


# settings


def test_hashes_are_kept_where_a_users_caches_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.delenv("DARKROOM_SYNC_CACHE", raising=False)
    for shared, kept in (
        (None, "/home/ann/.cache/darkroom/sync"),
        ("", "/home/ann/.cache/darkroom/sync"),
        ("relative", "/home/ann/.cache/darkroom/sync"),
        ("/var/cache/ann", "/var/cache/ann/darkroom/sync"),
    ):
        if shared is None:
            monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        else:
            monkeypatch.setenv("XDG_CACHE_HOME", shared)
        assert Settings().sync_cache == Path(kept)
    monkeypatch.setenv("DARKROOM_SYNC_CACHE", "")
    assert Settings().sync_cache == Path("/var/cache/ann/darkroom/sync")
    monkeypatch.setenv("DARKROOM_SYNC_CACHE", "/srv/cache")
    assert Settings().sync_cache == Path("/srv/cache")


def test_a_sync_starts_at_an_hour_of_the_day() -> None:
    assert (Settings().sync_at, Settings().sync_queue) == ("03:30", "")
    with pytest.raises(ValueError, match="sync_at"):
        Settings(sync_at="24:00")
