"""`bihuan db reseal`: the secret is changed and everybody is still reached; nothing of either secret is said."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bihuan.notify.contact import seal, unseal
from bihuan.services import reseal
from bihuan.services.people import save_department, save_staff
from bihuan.store.engine import Database
from bihuan.store.rows import insert_rows, table_of
from schemas.people import TELEPHONE, Customer, Department, Staff, StaffIn

OLD, NEW = "the-earlier-secret-of-the-house", "the-present-secret-of-the-house"
HOOK, MAIL, PHONE = "json://hooks.example.com/desk", "mailto:li@example.com", f"{TELEPHONE}13800138000"


@pytest.fixture
def sealed(installed: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A department, a member of staff with two contacts and 25 customers, sealed with the old secret; and its file."""
    monkeypatch.setattr(reseal, "BATCH", 10)
    monkeypatch.setenv("BIHUAN_SECRET", NEW)
    db = Database(installed)
    with db.write() as session:
        save_department(session, "service", "服务部", contact_url=HOOK, secret=OLD)
        save_staff(session, StaffIn(code="li", name="李", department="service", contact_url=MAIL), OLD)
        session.execute(table_of(Staff).update().values(sealed_contacts={"sms": seal(HOOK, OLD)}))
        insert_rows(session, Customer, [
            {"source": "t", "external_id": str(number), "name": "", "language": "zh",
             "sealed_contact": seal(PHONE, OLD) if number % 5 else None}
            for number in range(25)
        ])  # fmt: skip
    (tmp_path / "secret.old").write_text(f"{OLD}\n", encoding="utf-8")
    yield db, tmp_path / "secret.old"
    db.close()


def contacts(db: Database) -> list[str | None]:
    """Every contact as it is stored."""
    customer = table_of(Customer).c
    with db.read() as session:
        return [*session.execute(select(table_of(Department).c.sealed_contact)).scalars(),
                 *session.execute(select(table_of(Staff).c.sealed_contact)).scalars(),
                 *(it["sms"] for it in session.execute(select(table_of(Staff).c.sealed_contacts)).scalars()),
                 *session.execute(select(customer.sealed_contact).order_by(customer.id)).scalars()]  # fmt: skip


def test_every_contact_opens_with_the_present_secret_and_again_nothing_changes(run: Any, sealed: Any) -> None:
    db, file = sealed
    done = run("db", "reseal", file, "--json")
    assert (done.code, done.data) == (0, {"changed": 23, "unchanged": 0, "lost": 0})
    found = contacts(db)
    assert [one and unseal(one, NEW) for one in found[:5]] == [HOOK, MAIL, HOOK, None, PHONE]
    assert str(found[4]).startswith(TELEPHONE), "it still says that nobody can write there"
    assert run("db", "reseal", file, "--json").data == {"changed": 0, "unchanged": 23, "lost": 0}
    assert contacts(db) == found
    assert OLD not in done.out + done.err
    assert NEW not in done.out + done.err


def test_what_neither_secret_opens_stays_and_is_counted(run: Any, sealed: Any) -> None:
    db, file = sealed
    foreign = seal(MAIL, "of-somebody-else-altogether")
    with db.write() as session:
        session.execute(table_of(Department).update().values(sealed_contact=foreign))
    done = run("db", "reseal", file, "--json")
    assert (done.code, done.data) == (1, {"changed": 22, "unchanged": 0, "lost": 1})
    assert "1 contacts open with neither secret" in done.err
    assert contacts(db)[0] == foreign


def test_the_earlier_secret_may_come_by_standard_input(run: Any, sealed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{OLD}\n"))
    assert run("db", "reseal", "-", "--json").data["changed"] == 23


def test_broken_off_it_goes_on_where_it_stood(run: Any, sealed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    db, file = sealed
    calls = iter(range(100))

    def fails(contact: str, secret: str) -> str:
        if next(calls) == 15:
            raise KeyboardInterrupt
        return seal(contact, secret)

    with monkeypatch.context() as broken:
        broken.setattr(reseal, "seal", fails)
        with pytest.raises(KeyboardInterrupt):
            reseal.reseal(db, OLD, NEW)
    done = run("db", "reseal", file, "--json").data
    assert (done["lost"], done["changed"] + done["unchanged"]) == (0, 23)
    assert done["unchanged"] > 0


def test_the_same_secret_and_no_file_are_refused(run: Any, sealed: Any, tmp_path: Path) -> None:
    (tmp_path / "same").write_text(NEW, encoding="utf-8")
    assert run("db", "reseal", tmp_path / "same").refuses(2, "must differ")
    (tmp_path / "empty").write_text("", encoding="utf-8")
    assert run("db", "reseal", tmp_path / "empty").refuses(2, "must differ")
    assert run("db", "reseal", tmp_path / "none").refuses(2, "cannot read")
