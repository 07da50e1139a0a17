"""Contact URLs: sealed in storage, masked on show."""

from __future__ import annotations

import pytest

from bihuan.errors import RefusedError
from bihuan.notify.contact import (
    addressed,
    called_at,
    contact_of,
    masked,
    scrubbed,
    seal,
    target_key,
    unseal,
    written_to,
)

URL = "mailto://clerk:pa%40ss@smtp.example.com:587/?to=staff@example.com"


def test_a_sealed_contact_comes_back_with_the_same_secret():
    sealed = seal(URL, "one secret")
    assert "example" not in sealed
    assert unseal(sealed, "one secret") == URL


def test_a_contact_sealed_with_another_secret_is_refused_with_the_cure():
    with pytest.raises(RefusedError, match="sealed with another secret") as refused:
        unseal(seal(URL, "one secret"), "another")
    assert "BIHUAN_SECRET" in refused.value.cure
    assert refused.value.__suppress_context__


BOTH = "mailto:li@example.com tel:+8613800138000"


@pytest.mark.parametrize(
    ("contact", "written", "called"),
    [
        ("mailto:li@example.com", "mailto:li@example.com", ""),
        ("tel:+8613800138000", "", "+8613800138000"),
        (BOTH, "mailto:li@example.com", "+8613800138000"),
        ("smss://t0ken@sms.example.com/send?to=13800138000&code=c", "smss://t0ken@sms.example.com/send?to=13800138000&code=c",
         "13800138000"),
        ("smss://t0ken@sms.example.com/send?code=c&to=13800138000,13900139000",
         "smss://t0ken@sms.example.com/send?code=c&to=13800138000,13900139000", "13800138000"),
        ("mailto://relay.example/?to=13800138000", "mailto://relay.example/?to=13800138000", ""),
    ],
)  # fmt: skip
def test_a_contact_is_read_for_letters_and_for_calls(contact, written, called):
    assert (written_to(contact), called_at(contact)) == (written, called)


@pytest.mark.parametrize("contact", ["tel:+8613800138000", BOTH, URL])
def test_only_a_lone_number_shows_that_it_is_one_and_none_shows_its_digits(contact):
    sealed = seal(contact, "one secret")
    assert sealed.startswith("tel:") is (contact == "tel:+8613800138000")
    assert "138" not in sealed[:8]
    assert "13800138000" not in masked(contact)
    assert unseal(sealed, "one secret") == contact


@pytest.mark.parametrize(
    ("url", "number", "contact"),
    [("", "", None), ("mailto:li@example.com", "", "mailto:li@example.com"),
     ("", "+86 138-0013 8000", "tel:+8613800138000"), ("", "(021) 6000.0000", "tel:02160000000"),
     ("mailto:li@example.com", "+8613800138000", BOTH)],
)  # fmt: skip
def test_what_people_type_becomes_one_contact(url, number, contact):
    assert contact_of(url, number) == contact


@pytest.mark.parametrize("number", ["1234", "tel:1380013", "12345x", "1" * 16, "+", "１３８００１３８０００"])
def test_what_is_no_number_is_refused_without_being_said(number):
    with pytest.raises(ValueError, match=r"^no telephone number$"):
        contact_of("", number)


@pytest.mark.parametrize("sealed", ["", "not a token", "密文"])
def test_what_was_never_sealed_is_refused(sealed):
    with pytest.raises(RefusedError):
        unseal(sealed, "one secret")


def test_no_secret_seals_nothing():
    with pytest.raises(RefusedError, match="no secret"):
        seal(URL, "")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, "mailto://smtp.example.com:587/***"),
        ("mailto://127.0.0.1:2525/?from=a@example.com&to=b@example.com", "mailto://127.0.0.1:2525/***"),
        ("MAILTOS://user:T0ken@GMail.com", "mailtos://gmail.com/***"),
        ("json://hooks.example.com/T0ken/x?+X-Key=T0ken&-q=T0ken", "json://hooks.example.com/***"),
        ("jsons://user:T0ken@[2001:db8::1]:8443/hook", "jsons://[2001:db8::1]:8443/***"),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=T0ken", "https://qyapi.weixin.qq.com/***"),
        ("wecombot://T0ken", "wecombot://***"),
        ("dingtalk://T0ken@T0ken/13800000000", "dingtalk://***"),
        ("feishu://T0ken/?x=y", "feishu://***"),
        ("slack://T0ken/T0ken/T0ken/#channel", "slack://***"),
        ("tgram://123:T0ken/456", "tgram://***"),
        ("json://user:T0/ken@T0ken.example.com/hook", "json://***"),
        ("json://user:T0?ken@host/hook", "json://***"),
        ("json://user:T0#ken@host/hook", "json://***"),
        ("json://T0ken:T0ken", "json://***"),
        ("T0ken", "***"),
        ("", "***"),
        ("T0 ken://x", "***"),
    ],
)
def test_only_scheme_and_host_show(url, shown):
    assert masked(url) == shown
    assert "T0ken" not in masked(url)


def test_every_hidden_part_is_taken_out_of_a_text_also_where_it_stands_decoded():
    said = "535 clerk with pa@ss or pa%40ss at smtp.example.com may not write to <staff@example.com>"
    assert scrubbed(said, URL) == "535 *** with *** or *** at smtp.example.com may not write to <***>"


def test_a_target_key_is_the_same_for_the_same_url_only():
    assert target_key(URL) == target_key(f" {URL}\n")
    assert len(target_key(URL)) == 32
    assert target_key(URL) != target_key(URL.replace("587", "588"))


@pytest.mark.parametrize(("contact", "account", "url"), [
    ("mailto:li@a.example", "mailtos://u:p@smtp.a.example", "mailtos://u:p@smtp.a.example/?to=li@a.example"),
    ("mailto:li+1@a.example", "mailto://s.example/?from=c@a.example", "mailto://s.example/?from=c@a.example&to=li%2B1@a.example"),
    ("mailto:x&smtp=evil.example@a.example", "mailto://s.example", "mailto://s.example/?to=x%26smtp%3Devil.example@a.example"),
    ("mailto://u:p@own.example", "mailto://s.example", "mailto://u:p@own.example"),
    ("json://hooks.example/1", "", "json://hooks.example/1"),
])  # fmt: skip
def test_a_plain_address_goes_through_the_installations_account(contact: str, account: str, url: str) -> None:
    assert addressed(contact, account) == url


def test_a_plain_address_without_an_account_names_the_setting() -> None:
    with pytest.raises(RefusedError, match="BIHUAN_MAIL_URL"):
        addressed("mailto:li@a.example", "")
