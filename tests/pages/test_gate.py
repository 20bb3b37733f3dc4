"""What every HTTP answer of the server passes: host names are checked, and headers keep browsers from other servers."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.testclient import TestClient

from explorer.components import serving
from explorer.pages import _gate
from explorer.pages._gate import HEADERS, Gate


def asked(host: str | None, answer: Response | None = None, path: str = "/healthz") -> tuple[int, dict[str, str]]:
    sent = []

    async def send(message):
        sent.append(message)

    headers = [] if host is None else [(b"host", host.encode())]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers, "query_string": b""}
    # in a thread of its own: the browser of other tests has a loop in this one
    with ThreadPoolExecutor() as threads:
        threads.submit(asyncio.run, Gate(answer or PlainTextResponse("well"))(scope, None, send)).result()
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}


@pytest.mark.parametrize(("host", "status"), [
    ("127.0.0.1:8501", 200), ("localhost", 200), ("[::1]:8501", 200), ("evil.invalid", 403),
    ("127.0.0.1.evil.invalid", 403),
    ("localhost@evil.invalid", 403), ("localhost:x", 403), (None, 403)])
def test_only_known_hosts_are_answered_and_all_answers_have_the_headers(host, status):
    found, headers = asked(host)
    assert found == status
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= headers.items()


@pytest.mark.parametrize("path", ["/_stcore/upload_file/session/file", "/below/_stcore/upload_file/a/b"])
def test_no_upload_is_taken_and_no_page_asks_for_one(path):
    assert asked("localhost", path=path)[0] == 403
    pages = Path(_gate.__file__).parent.glob("*.py")
    wanted = ("file_uploader", "camera_input", "audio_input", "chat_input")
    assert not [p.name for p in pages if any(f"st.{name}(" in p.read_text(encoding="utf-8") for name in wanted)]


def test_no_source_of_the_policy_is_another_server():
    policy = HEADERS["Content-Security-Policy"]
    assert "http" not in policy
    assert "*" not in policy
    assert "frame-ancestors 'self'" in policy


def test_other_machines_are_answered_under_given_names_only(cli):
    status, _, err = cli("serve", "--host", "0.0.0.0")
    assert status == 2
    assert "--allow-host" in err


def test_a_page_says_what_the_browser_will_need_and_other_answers_do_not():
    _, data = asked("localhost")
    assert "link" not in data
    _, page = asked("localhost", HTMLResponse("<p>page</p>"))
    assert page["link"] == serving.ahead()


def test_the_chart_library_comes_compressed_to_whoever_takes_it_so_and_whole_to_others():
    client = TestClient(Starlette(routes=serving.routes()))
    address = f"/{serving.address(serving.PLOTLY.name)}"
    assert address in serving.ahead()
    small, whole = client.get(address), client.get(address, headers={"Accept-Encoding": "identity"})
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < 0.4 * len(whole.content)
    assert "content-encoding" not in whole.headers
    assert small.content == whole.content == serving.PLOTLY.read_bytes()
    assert small.headers["cache-control"] == whole.headers["cache-control"]
    part = client.get(address, headers={"Range": "bytes=0-9"})
    assert part.content == whole.content[:10]
