"""Every case of the specification, in every language that has it, against a running service through the simulated carrier."""

from tests.stories import cases
from tests.stories.town import Town

NOT_YET: dict[int, str] = {}  # what the service does not do so far; a case leaves this list in the commit that makes it pass


async def test_every_case_goes_as_specified_with_the_running_service(mapped_town: Town) -> None:
    shown = await cases.run(mapped_town, cases.first_of_each(cases.transcripts()))
    verdicts = shown.verdicts()
    print(*(verdict.line for verdict in verdicts), sep="\n")
    failed = {verdict.case: verdict.faults for verdict in verdicts if verdict.faults}
    assert {case: faults for case, faults in failed.items() if case not in NOT_YET} == {}
    assert set(failed) == set(NOT_YET), "a case that passes by now is no longer one of NOT_YET"
    expected = [fault for case in NOT_YET for fault in failed[case]]
    assert [fault for fault in shown.faults if fault not in expected] == [], "a dialog of no case went otherwise"


def test_the_document_of_the_cases_is_as_generated() -> None:
    assert cases.DOCUMENT.read_text("utf-8") == cases.document(), "write it anew: ./dev cases --document"
