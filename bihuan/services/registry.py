"""The register's codes for one batch: departments, handlers and customers by name, added where they are new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select, tuple_
from sqlmodel import Session

from bihuan.notify.contact import seal
from bihuan.settings import Settings
from bihuan.store.ids import reserve_ids
from bihuan.store.rows import insert_rows, table_of
from schemas.complaint import ComplaintIn, CustomerIn
from schemas.people import Customer, Department, Staff

_CUSTOMER = table_of(Customer)
Identity = tuple[str, str | None, str | None]
"""Whose customer, by which id; without an id the complaint by which alone the person is known."""


class Newcomer(NamedTuple):
    """Somebody whom a batch names."""

    customer: CustomerIn
    is_simulated: bool = False


@dataclass(frozen=True, slots=True)
class Registry:
    """Ids by the codes a batch uses."""

    departments: dict[str, int]
    handlers: dict[str, int]
    customers: dict[Identity, int]

    def department_id(self, code: str | None) -> int | None:
        """The department's id; None where the complaint names none."""
        return self.departments[code] if code else None

    def handler_id(self, code: str | None) -> int | None:
        """The handler's id; None where the register does not know the code."""
        return self.handlers.get(code) if code else None

    def customer_id(self, complaint: ComplaintIn) -> int | None:
        """The complainant's id; None for an anonymous complaint."""
        return self.customers[_identity(complaint, complaint.customer)] if complaint.customer else None


def open_registry(
    session: Session, settings: Settings, batch: Sequence[ComplaintIn], fresh: Sequence[ComplaintIn]
) -> Registry:
    """Look up every code of the batch at once; add unknown departments, and the customers of fresh complaints."""
    return Registry(
        _departments(session, {complaint.department: complaint.is_simulated for complaint in batch}),
        _handlers(session, {complaint.handler for complaint in batch}),
        enter_customers(session, settings, {
            _identity(complaint, complaint.customer): Newcomer(complaint.customer, complaint.is_simulated)
            for complaint in fresh if complaint.customer
        }),
    )  # fmt: skip


def _departments(session: Session, codes: dict[str | None, bool]) -> dict[str, int]:
    wanted = sorted(code for code in codes if code)
    table = table_of(Department)
    found = {
        row.code: row.id for row in session.execute(select(table.c.id, table.c.code).where(table.c.code.in_(wanted)))
    }
    fresh = [code for code in wanted if code not in found]
    ids = dict(zip(fresh, reserve_ids(session, Department, len(fresh)), strict=True))
    insert_rows(session, Department, [
        {"id": ids[code], "code": code, "name": code, "name_en": "", "language": "zh", "is_simulated": codes[code]}
        for code in fresh
    ])  # fmt: skip
    return found | ids


def _handlers(session: Session, codes: set[str | None]) -> dict[str, int]:
    wanted = sorted(code for code in codes if code)
    if not wanted:
        return {}
    table = table_of(Staff)
    return {
        row.code: row.id for row in session.execute(select(table.c.id, table.c.code).where(table.c.code.in_(wanted)))
    }


def _identity(complaint: ComplaintIn, customer: CustomerIn | None) -> Identity:
    """A customer is known by the source's id; without one, by this complaint alone."""
    if customer and customer.external_id:
        return customer.source or complaint.source, customer.external_id, None
    return complaint.source, None, complaint.external_id or f"{id(complaint)}"


def enter_customers(session: Session, settings: Settings, wanted: Mapping[Identity, Newcomer]) -> dict[Identity, int]:
    """The ids of these people; those who are not known yet are added, with their contacts sealed.

    Hold ``intake`` around it, or two that come in at once would both make the same customer.
    """
    names = [(source, external_id) for source, external_id, _ in wanted if external_id]
    rows = session.execute(
        select(_CUSTOMER.c.id, _CUSTOMER.c.source, _CUSTOMER.c.external_id)
        .where(tuple_(_CUSTOMER.c.source, _CUSTOMER.c.external_id).in_(names))
    ).all() if names else []  # fmt: skip
    found: dict[Identity, int] = {(row.source, row.external_id, None): row.id for row in rows}
    fresh = {identity: newcomer for identity, newcomer in wanted.items() if identity not in found}
    ids = dict(zip(fresh, reserve_ids(session, Customer, len(fresh)), strict=True))
    insert_rows(session, Customer, [
        {"id": ids[identity], "source": identity[0], **_customer_row(newcomer, settings)}
        for identity, newcomer in fresh.items()
    ])  # fmt: skip
    return found | ids


def _customer_row(newcomer: Newcomer, settings: Settings) -> dict[str, object]:
    customer = newcomer.customer
    sealed = seal(customer.contact_url, settings.secret_value()) if customer.contact_url else None
    return {
        "external_id": customer.external_id,
        "name": customer.name,
        "sealed_contact": sealed,
        "language": customer.language,
        "timezone": customer.timezone,
        "tier": customer.tier,
        "is_simulated": newcomer.is_simulated,
    }
