"""What callers want to know and no script says: from the question at a desk to the answer at every desk."""

from enum import StrEnum


class Status(StrEnum):
    OPEN = "open"  # the information officer's turn
    ANSWERED = "answered"
    MERGED = "merged"  # an earlier question's answer answers it, too
    DROPPED = "dropped"  # nothing to answer: a complaint, a slip of the finger


class Unanswerable(ValueError):
    """`problems`: why an answer cannot be approved as it is, one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


LONGEST_ANSWER = 600  # letters: four parts of a text; longer ones are a page
LONGEST_QUESTION = 1_000


def problems(question: str, answer: str) -> list[str]:
    """Why this cannot stand at every desk."""
    found = []
    if not question:
        found.append("Write the question as callers ask it.")
    if not answer:
        found.append("Write the answer.")
    if len(question) > LONGEST_QUESTION or len(answer) > LONGEST_ANSWER:
        found.append(f"A question has at most {LONGEST_QUESTION} letters, an answer {LONGEST_ANSWER}.")
    if "{" in answer:
        found.append("An answer has no braces: write the value itself.")
    return found
