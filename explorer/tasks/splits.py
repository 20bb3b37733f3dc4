"""From labelled rows to clean, disjoint, reproducible splits.

Covers text cleaning, deduplication, the choice of test texts and the order in which a split is stored. Everything is
decided by hashes of the texts, so that it depends neither on the order of the rows nor on a random generator.
Does not read or write files: that is `prepare`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from explorer.errors import TaskError

MIN_TRAIN, MIN_TEST, MAX_LABELS = 8, 2, 1000
TEST_SHARE = 0.2

# Control characters that are no white space, zero-width space, byte order mark, lone surrogates.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u200b\ufeff\ud800-\udfff]")


@dataclass(frozen=True)
class Row:
    """One labelled text, or pair of texts.

    `group` names what must not be cut by the split (a passage asked about twice); `split` is the split the source
    gives, None where the source has none; either all rows of a task carry one, or none does.
    """

    text: str
    label: str | None
    pair: str | None = None
    group: str | None = None
    split: Literal["train", "test"] | None = None

    @cached_property
    def key(self) -> tuple[str, str | None]:
        """What two rows must differ in to be two texts: case and white space do not count."""
        return _key(self.text), None if self.pair is None else _key(self.pair)

    @cached_property
    def hash(self) -> str:
        return _hash(*self.key)


@dataclass(frozen=True)
class Dropped:
    """How many rows were left out, and why. `overlap`: train rows whose text is in the source's test split too."""

    empty: int = 0
    unlabelled: int = 0
    duplicate: int = 0
    conflicting: int = 0
    overlap: int = 0
    surplus: int = 0


@dataclass(frozen=True)
class Splits:
    """Rows of train and test in their stored order, the sorted labels, and what was left out."""

    train: tuple[Row, ...]
    test: tuple[Row, ...]
    labels: tuple[str, ...]
    dropped: Dropped


def clean(text: str) -> str:
    """Composed Unicode (NFC), no invisible characters, single spaces, no space at the ends."""
    return " ".join(unicodedata.normalize("NFC", _INVISIBLE.sub("", text)).split())


def split(name: str, rows: Iterable[Row], *, cap: int | None = None) -> Splits:
    """Clean, deduplicate and split the rows of a task.

    Rows that carry a split keep it; otherwise 20 % of the texts become the test split, stratified by label, or whole
    groups where the rows have groups. `cap` bounds the test split. Any prefix of either split holds the labels in
    the proportions of the whole, to about one example each. TaskError where no usable task is left.
    """
    counts: Counter[str] = Counter()
    kept = _without_overlap(_distinct(_usable(rows, counts), counts), counts)
    labels = _sorted_labels({row.label for row in kept if row.label is not None})
    if len(labels) < 2:
        raise TaskError(f"task {name!r} has {len(labels)} label{'' if len(labels) == 1 else 's'} "
                        f"({', '.join(labels) or 'none'}) in its {len(kept)} usable texts; at least two are needed.")
    if len(labels) > MAX_LABELS:
        raise TaskError(f"task {name!r} has {len(labels)} different labels; at most {MAX_LABELS} are allowed: "
                        "is the label column one of classes?")
    given = [row for row in kept if row.split == "test"]
    test = given if any(row.split for row in kept) else _choose_test(kept, cap)
    chosen = {row.key for row in test}
    train = balanced_order([row for row in kept if row.key not in chosen])
    ordered = balanced_order(test)
    shown = ordered[:cap] if cap is not None else ordered
    counts["surplus"] = len(ordered) - len(shown)
    _check(name, train, shown, labels)
    return Splits(tuple(train), tuple(shown), labels, Dropped(**counts))


def balanced_order(rows: Sequence[Row]) -> list[Row]:
    """The rows in an order, fixed by hash, whose every prefix is stratified by label, to about one example each."""
    by_label: dict[str | None, list[Row]] = defaultdict(list)
    for row in rows:
        by_label[row.label].append(row)
    placed = []
    for members in by_label.values():
        for i, row in enumerate(sorted(members, key=lambda r: (r.hash, r.key))):
            placed.append(((i + 0.5) / len(members), row.hash, row))
    return [row for *_, row in sorted(placed, key=lambda p: p[:2])]


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


def _hash(*parts: str | None) -> str:
    return hashlib.sha256("\x00".join(p or "" for p in parts).encode(errors="surrogatepass")).hexdigest()


def _usable(rows: Iterable[Row], counts: Counter[str]) -> Iterable[Row]:
    for row in rows:
        text, pair = clean(row.text), None if row.pair is None else clean(row.pair)
        label = clean(row.label) if row.label is not None else ""
        if not text or pair == "":
            counts["empty"] += 1
        elif not label:
            counts["unlabelled"] += 1
        else:
            yield replace(row, text=text, pair=pair, label=label)


def _distinct(rows: Iterable[Row], counts: Counter[str]) -> list[Row]:
    """One row per text of each split, none where one text has two labels."""
    same: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        same[(row.key, row.split)].append(row)
    kept = []
    for copies in same.values():
        if len({row.label for row in copies}) > 1:
            counts["conflicting"] += len(copies)
        else:
            counts["duplicate"] += len(copies) - 1
            # The smallest spelling, so that the order of the rows does not decide which one stays.
            kept.append(min(copies, key=lambda r: (r.text, r.pair or "", r.group or "")))
    return kept


def _without_overlap(rows: list[Row], counts: Counter[str]) -> list[Row]:
    test = {row.key for row in rows if row.split == "test"}
    kept = [row for row in rows if row.split == "test" or row.key not in test]
    counts["overlap"] = len(rows) - len(kept)
    return kept


def _sorted_labels(labels: set[str]) -> tuple[str, ...]:
    if all(re.fullmatch(r"-?[0-9]{1,15}", label) for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))


def _choose_test(rows: list[Row], cap: int | None) -> list[Row]:
    wanted = round(TEST_SHARE * len(rows))
    wanted = min(wanted, cap) if cap is not None else wanted
    if any(row.group is not None for row in rows):
        return _whole_groups(rows, wanted)
    by_label: dict[str | None, list[Row]] = defaultdict(list)
    for row in rows:
        by_label[row.label].append(row)
    test: list[Row] = []
    for members in by_label.values():
        quota = max(1, round(len(members) * wanted / len(rows))) if len(members) > 1 else 0
        test += sorted(members, key=lambda r: (r.hash, r.key))[:quota]
    return test


def _whole_groups(rows: list[Row], wanted: int) -> list[Row]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.group if row.group is not None else row.hash].append(row)
    test: list[Row] = []
    for name in sorted(groups, key=_hash):
        if len(test) + len(groups[name]) <= wanted:
            test += groups[name]
    return test


def _check(name: str, train: Sequence[Row], test: Sequence[Row], labels: Sequence[str]) -> None:
    if len(train) < MIN_TRAIN or len(test) < MIN_TEST:
        raise TaskError(f"task {name!r} has {len(train)} train and {len(test)} test texts once empty, repeated and "
                        f"contradictory ones are left out; at least {MIN_TRAIN} and {MIN_TEST} are needed.")
    if missing := sorted(set(labels) - {row.label for row in train if row.label}):
        raise TaskError(f"task {name!r} has no train example of {', '.join(missing[:10])}; every label needs one: "
                        "add such texts, or leave the label out of the test file.")
