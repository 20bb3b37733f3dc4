"""An identity provider on this machine: OpenID Connect as far as signing in needs it, with tokens that are signed.

Who signs in is what its page offers: a link for each person it knows.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

CLIENT, SECRET = "explorer", "the secret of this client"


@dataclass
class Provider:
    """Its people by name, each with what is claimed of them; and the codes that wait to be exchanged."""

    people: Mapping[str, Mapping[str, Any]]
    address: str = ""
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    redirects: list[str] = field(default_factory=list)
    """Where people were to be sent back to."""

    def __post_init__(self) -> None:
        from joserfc.jwk import RSAKey

        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"}, private=True)

    def discovery(self) -> dict[str, Any]:
        at = self.address
        return {"issuer": at, "authorization_endpoint": f"{at}/authorize", "token_endpoint": f"{at}/token",
                "jwks_uri": f"{at}/keys", "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"], "code_challenge_methods_supported": ["S256"]}

    def token(self, code: str) -> dict[str, Any]:
        """What a code is exchanged for, once."""
        from joserfc import jwt

        name, nonce = self.codes.pop(code)
        now = int(time.time())
        claims = {"iss": self.address, "aud": CLIENT, "sub": name, "iat": now, "exp": now + 300, "nonce": nonce,
                  **self.people[name]}
        return {"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "expires_in": 300,
                "id_token": jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)}


def _answering(provider: Provider) -> type[BaseHTTPRequestHandler]:
    """What answers the requests to a provider."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            given = dict(parse_qsl(asked.query))
            if asked.path == "/.well-known/openid-configuration":
                self.send(provider.discovery())
            elif asked.path == "/keys":
                self.send({"keys": [provider.key.as_dict(private=False)]})
            elif asked.path == "/authorize" and "as" not in given:
                links = [f'<p><a href="{self.path.replace("&", "&amp;")}&amp;as={quote(name)}">{name}</a></p>'
                         for name in provider.people]
                self.send("".join(links), "text/html")
            elif asked.path == "/authorize":
                self.back(given)
            else:
                self.send_error(404)

        def back(self, given: dict[str, str]) -> None:
            """To the app, with a code for who was chosen."""
            assert given["client_id"] == CLIENT
            assert given["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe()
            provider.codes[code] = (given["as"], given["nonce"])
            provider.redirects.append(given["redirect_uri"])
            self.send_response(302)
            answer = urlencode({"code": code, "state": given["state"]})
            self.send_header("Location", f"{given['redirect_uri']}?{answer}")
            self.end_headers()

        def do_POST(self) -> None:
            given = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            user, _, password = b64decode(self.headers["Authorization"].split()[1]).decode().partition(":")
            assert (unquote(user), unquote(password)) == (CLIENT, SECRET)
            self.send(provider.token(given["code"]))

        def send(self, body: Any, kind: str = "application/json") -> None:
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    return Answers


@contextmanager
def providing(people: Mapping[str, Mapping[str, Any]]) -> Iterator[Provider]:
    """The provider, at another host name than the app has, so that the browser takes them for two sites."""
    provider = Provider(people)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _answering(provider))
    provider.address = f"http://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
