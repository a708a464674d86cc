"""An export's rows, and every problem in it with its line."""

from darkroom.styles.exports import length_in_name, parse_export

FRONT, BACK = "base_mini_bottom_front t1_neckline_front", "base_mini_bottom_back"


def test_rows_keep_the_exports_order_of_codes_and_layers():
    rows, problems = parse_export(f"t1-a4,{FRONT},{BACK}\r\n".encode(), "x.csv")
    assert not problems
    assert rows[0].codes == ("t1", "a4")
    assert rows[0].stacks["front"] == ("base_mini_bottom_front", "t1_neckline_front")


def test_blanks_quotes_a_byte_order_mark_and_blank_lines_do_no_harm():
    text = f'\ufeff "t1" , "{FRONT}" ,  {BACK}  \n\n   \n'
    rows, problems = parse_export(text.encode(), "x.csv")
    assert not problems
    assert rows[0].codes == ("t1",)
    assert rows[0].stacks["back"] == ("base_mini_bottom_back",)


def test_every_broken_row_is_named_with_its_line():
    text = (
        f"t1,{FRONT}\nt2,../x_bottom_front,{BACK}\nt3,{FRONT},nothing\n"
        f"t4,{FRONT},\nt5/../6,{FRONT},{BACK}\nt1-t1,{FRONT},{BACK}\n"
    )
    rows, problems = parse_export(text.encode(), "x.csv")
    assert not rows
    assert [problem.split(":")[0].split(",")[1].strip() for problem in problems] == [f"line {n}" for n in range(1, 7)]
    assert "2 columns where there should be 3" in problems[0]
    assert "'../x_bottom_front'" in problems[1]


def test_a_repeated_row_counts_once_and_a_contradicting_one_is_refused():
    same = f"t1-b1,{FRONT},{BACK}\nb1-t1,{FRONT},{BACK}\n"
    assert len(parse_export(same.encode(), "x.csv")[0]) == 1
    other = f"t1-b1,{FRONT},{BACK}\nb1-t1,{BACK},{BACK}\n"
    assert "stands in line 1 already" in parse_export(other.encode(), "x.csv")[1][0]


def test_an_empty_export_is_refused():
    assert parse_export(b"\n", "x.csv")[1]


def test_an_unclosed_quote_is_named_with_the_file():
    _, problems = parse_export(b't1,"' + b"x" * 200_000, "x.csv")
    assert problems
    assert problems[0].startswith("x.csv, line")


def test_the_length_stands_at_the_end_of_the_files_name():
    slugs = {"mini": "mini", "micro": "micro_mini", "micro_mini": "micro_mini"}
    assert length_in_name("FP-DR1003-102-Micro_Mini.csv", slugs) == "micro_mini"
    assert length_in_name("FP-DR1003-102-Mini.csv", slugs) == "mini"
    assert length_in_name("everything.csv", slugs) is None
