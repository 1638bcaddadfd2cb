"""The costs are those of the deployed definition: its transitions, as an interpreter counts them, and the page."""

from benchmarks.costs import ROWS, former_load, former_usage, page, usage, walk
from infra_cdk.archives import ROOT
from tests.infra.conftest import Assembly


def test_a_load_of_one_chunk_makes_seventeen_transitions(assembly: Assembly) -> None:
    load = walk(assembly.definition, ROWS)
    assert (load.parts, load.chunks, load.transitions) == (1, 1, 17)
    assert load.calls == {
        "validate_schema": 2,
        "check_health": 1,
        "convert_and_chunk": 1,
        "register_load": 2,
        "write_batch": 1,
        "report_load": 1,
    }


def test_each_further_chunk_makes_one_transition(assembly: Assembly) -> None:
    small, large = (walk(assembly.definition, rows) for rows in (ROWS, 1_000_000))
    assert large.chunks == 4
    assert large.transitions - small.transitions == large.chunks - small.chunks


def test_large_files_cost_less_than_half_of_the_former_release_and_logs_too(assembly: Assembly) -> None:
    for rows, share in ((ROWS, 0.9), (1_000_000, 0.5), (4_000_000, 0.5)):
        now, former = usage(walk(assembly.definition, rows)), former_usage(former_load(rows))
        assert now.dollars < share * former.dollars
        assert now.amounts["log bytes"] < 0.5 * former.amounts["log bytes"]


def test_the_page_is_of_today(assembly: Assembly) -> None:
    assert (ROOT / "docs" / "costs.md").read_text() == page(assembly.definition), "make costs writes it"
