"""Who may do what by the secrets of the server: roles, verified addresses, and settings that are refused."""

from __future__ import annotations

import pytest

from explorer.errors import ForbiddenError, InputError
from explorer.types import Limits
from explorer.workflows.roles import check_place, read_roles

AUTH = {"redirect_uri": "https://explorer.lab.org/oauth2callback", "cookie_secret": "s" * 40, "client_id": "explorer",
        "client_secret": "secret", "server_metadata_url": "https://login.lab.org/.well-known/openid-configuration"}
NAMED = {key: AUTH[key] for key in ("redirect_uri", "cookie_secret")}
PROVIDER = {key: AUTH[key] for key in ("client_id", "client_secret", "server_metadata_url")}
LAB = {"editors": ["Ada@Lab.org", "@dept.lab.org"], "viewers": ["@lab.org"]}


def roles(auth=AUTH, **explorer):
    return read_roles({"auth": auth, "explorer": explorer})


def said(email: str, verified: object = True, **claims: object) -> dict[str, object]:
    return {"email": email, "email_verified": verified, "sub": email, "iss": "https://login.lab.org", **claims}


def test_without_a_login_there_are_no_roles():
    assert read_roles({}) is None
    assert read_roles({"connections": {"x": 1}}) is None


@pytest.mark.parametrize(("email", "role"), [
    ("ada@lab.org", "editor"), ("ADA@LAB.ORG", "editor"), ("bob@dept.lab.org", "editor"), ("bob@lab.org", "viewer")])
def test_addresses_and_domains_have_their_role(email, role):
    assert roles(**LAB).permit(said(email)).role == role


@pytest.mark.parametrize("email", ["eve@evil.org", "eve@sub.lab.org", "eve@evillab.org", "lab.org", "@lab.org@evil.org",
                                   "ada@lab.org.evil.org", ""])
def test_others_have_no_access(email):
    with pytest.raises(ForbiddenError, match="no access"):
        roles(**LAB).permit(said(email))


@pytest.mark.parametrize("verified", [False, None, "false", "yes", 1.5, "missing"])
def test_an_address_that_is_not_verified_counts_for_nothing(verified):
    claims = said("ada@lab.org", verified)
    if verified == "missing":
        del claims["email_verified"]
    with pytest.raises(ForbiddenError, match="verified"):
        roles(**LAB).permit(claims)
    assert roles(editors=["ada@lab.org"], viewers="anyone").permit(claims).role == "viewer"


def test_viewers_have_limits_and_editors_none():
    known = roles(editors=["ada@lab.org"], viewers="anyone", contact="ada@lab.org", limits={"jobs": 2})
    viewer, editor = known.permit(said("x@y.org")), known.permit(said("ada@lab.org"))
    assert viewer.limits == Limits(jobs=2)
    assert "ask ada@lab.org" in viewer.reason
    assert editor.limits is None
    assert viewer.owner != editor.owner


def test_a_person_is_the_same_under_any_address_of_theirs_and_another_at_another_provider():
    known = roles(editors=[], viewers="anyone")
    one, same = (known.permit(said(email, sub="7")).owner for email in ("a@b.org", "c@d.org"))
    assert one == same != known.permit(said("a@b.org", sub="7", iss="https://other.org")).owner


def test_nobody_but_editors_enters_where_no_viewers_are_named():
    with pytest.raises(ForbiddenError):
        roles(editors=["ada@lab.org"]).permit(said("bob@lab.org"))


def test_several_providers():
    assert roles({**NAMED, "lab": PROVIDER, "google": PROVIDER}, editors=[]).providers == ("lab", "google")
    assert roles(editors=[]).providers == ("",)


@pytest.mark.parametrize(("secrets", "told"), [
    ({"explorer": {"editors": []}}, r"no \[auth\]"),
    ({"Auth": AUTH}, r"\[auth\] is meant"),
    ({"auth": AUTH}, r"no section \[explorer\]"),
    ({"auth": AUTH, "explorers": {"editors": []}}, r"\[explorer\] is meant"),
    ({"auth": True, "explorer": {"editors": []}}, "a section"),
    ({"auth": AUTH, "explorer": ["ada@lab.org"]}, "a section"),
])
def test_sections_that_are_not_there_are_not_guessed(secrets, told):
    with pytest.raises(InputError, match=told):
        read_roles(secrets)


@pytest.mark.parametrize(("explorer", "told"), [
    ({}, "no editors"), ({"editor": ["a@b.org"]}, "Did you mean editors"), ({"editors": "a@b.org"}, "a list"),
    ({"editors": ["ada"]}, "no e-mail address"), ({"editors": ["@"]}, "no e-mail"), ({"editors": ["*"]}, "no e-mail"),
    ({"editors": [7]}, "no e-mail"), ({"editors": {"a@b.org": True}}, "a list"),
    ({"editors": [], "viewers": "everyone"}, '"anyone" or a list'), ({"editors": [], "viewers": True}, '"anyone"'),
    ({"editors": [], "viewer": "anyone"}, "Did you mean viewers"), ({"editors": [], "contact": 7}, "a text"),
    ({"editors": [], "limits": {"job": 2}}, "Did you mean jobs"), ({"editors": [], "limits": {"jobs": 0}}, "from 1 on"),
    ({"editors": [], "limits": {"jobs": True}}, "from 1 on"), ({"editors": [], "limits": {"texts": "9"}}, "from 1 on"),
    ({"editors": [], "limits": 5}, "a section"),
])
def test_settings_that_are_not_plainly_right_are_refused(explorer, told):
    with pytest.raises(InputError, match=told):
        roles(**explorer)


@pytest.mark.parametrize(("auth", "told"), [
    (NAMED, "neither"), ({**AUTH, "lab": PROVIDER}, "both"), ({**NAMED, "my_lab": PROVIDER}, "underscore"),
    ({**NAMED, "lab": {"client_id": "x"}}, "client_secret, server_metadata_url"), ({**AUTH, "client_id": ""}, "lacks"),
    ({**AUTH, "cookie_secret": "short"}, "at least 32"), (PROVIDER, "no redirect_uri"),
    ({**AUTH, "redirect_uri": "https://explorer.lab.org/"}, "ends in /oauth2callback"),
    ({**AUTH, "redirect_uri": "explorer.lab.org/oauth2callback"}, "ends in"),
])
def test_a_login_that_could_not_work_or_be_trusted_is_refused(auth, told):
    with pytest.raises(InputError, match=told):
        roles(auth, editors=[])


def test_the_provider_must_send_people_back_to_a_name_of_this_server():
    check_place({"auth": AUTH}, True)
    with pytest.raises(InputError, match=r"--allow-host explorer\.lab\.org"):
        check_place({"auth": AUTH}, False)
