"""Who may do what at the page, by what its headers say."""

import pytest

from edgespec.web.guard import COOKIE_S, Guard

TOKEN = "0123456789abcdef"


def guard(host: str = "127.0.0.1", **options: object) -> Guard:
    return Guard(host, TOKEN, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:80", "LOCALHOST:1"])
def test_this_machine_has_these_names(host: str) -> None:
    assert guard().host_fault(host) == ""


@pytest.mark.parametrize("host", ["", "evil.example:8080", "192.168.1.9", "localhost.evil.example"])
def test_a_name_that_leads_here_by_chance_is_refused(host: str) -> None:
    assert "is not a name of this page" in guard().host_fault(host)


def test_a_page_in_the_network_has_addresses_and_the_names_it_is_given() -> None:
    page = guard("0.0.0.0", hosts=("radio.example.org",))
    assert page.host_fault("192.168.1.9:8080") == ""
    assert page.host_fault("Radio.Example.org") == ""
    assert page.host_fault("other.example.org") != ""


@pytest.mark.parametrize(
    ("origin", "is_own"),
    [
        (None, True),
        ("http://localhost:8080", True),
        ("http://localhost:8081", False),
        ("http://evil.example", False),
        ("null", False),
        ("http://[", False),
        ("https://radio.example.org", True),
        ("file://radio.example.org", False),
    ],
)
def test_another_page_is_refused(origin: str | None, is_own: bool) -> None:
    page = guard(hosts=("radio.example.org",))
    assert (page.origin_fault(origin, "localhost:8080") == "") is is_own


@pytest.mark.parametrize(
    "target",
    ["/?token=x", "/api/node?a=1&access_token=", "/?a;api_key=1", f"/x/{TOKEN}", "/%3Ftoken%3Dx",
     "/?q=0123456789%61bcdef"],
)  # fmt: skip
def test_a_secret_in_an_address_is_refused(target: str) -> None:
    fault = guard().url_fault(target, is_known=True)
    assert "is refused" in fault
    assert TOKEN not in fault
    assert guard().url_fault("/api/events?band=token&limit=3") == ""


def test_an_address_says_of_no_guess_whether_it_is_the_token() -> None:
    assert guard().url_fault(f"/?q=guess,{TOKEN},guess") == ""


def test_an_old_token_that_a_program_goes_on_sending_keeps_nobody_out() -> None:
    page = guard(clock=lambda: 0.0)
    assert not any(page.is_known(None, "Bearer the token of before") for _ in range(100))
    assert page.log_in(TOKEN) is not None


def test_what_is_no_text_is_no_token() -> None:
    page = guard(read_only=False)
    cookie = page.log_in(TOKEN)
    assert cookie is not None
    # JSON may say the one, aiohttp makes the other of a byte that is no UTF-8.
    for wrong in ("\ud800", "\udcff"):
        assert page.log_in(wrong) is None
        assert not page.is_known(f"{cookie}{wrong}", f"Bearer {wrong}")
        assert not page.is_own_form(cookie, wrong)


def test_two_pages_of_one_host_keep_two_cookies() -> None:
    names = {Guard("127.0.0.1", token).cookie_name for token in (TOKEN, TOKEN + "x")}
    assert len(names) == 2


def test_a_cookie_holds_for_a_month_and_for_its_token_alone() -> None:
    now_s = [1e9]
    page = guard(utc_s=lambda: now_s[0])
    cookie = page.log_in(TOKEN)
    assert cookie is not None
    assert page.log_in("another") is None
    assert page.is_known(cookie, None)
    assert not Guard("127.0.0.1", TOKEN + "x", utc_s=lambda: now_s[0]).is_known(cookie, None)
    until, _, signature = cookie.partition(".")
    for wrong in ("", "x", ".", f"{int(until) + 1}.{signature}", f"{until}.", cookie[:-1] + "é"):
        assert not page.is_known(wrong, None)
    now_s[0] += COOKIE_S + 1
    assert not page.is_known(cookie, None)


def test_who_guesses_waits_and_who_is_in_stays_in() -> None:
    now_s = [0.0]
    page = guard(clock=lambda: now_s[0])
    cookie = page.log_in(TOKEN)
    assert [page.log_in(f"wrong {k}") for k in range(20)] == [None] * 20
    assert page.log_in(TOKEN) is None
    assert page.is_known(cookie, None)
    now_s[0] += 60.0
    assert page.log_in(TOKEN) is not None


def test_what_changes_something_was_asked_for_in_the_page() -> None:
    page = guard(read_only=False)
    cookie = page.log_in(TOKEN)
    csrf = page.csrf_of(cookie)
    assert csrf is not None
    assert page.is_own_form(cookie, csrf)
    assert not page.is_own_form(cookie, None)
    assert not page.is_own_form(cookie, csrf[:-1])
    # A program sends the token itself, which no browser does by itself.
    assert page.is_known(None, f"Bearer {TOKEN}")
    assert page.is_own_form(None, None)
    assert guard(read_only=True).csrf_of(cookie) is None
