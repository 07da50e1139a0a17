"""The simulated company 禾屿智家: departments, staff and customers, all invented, all reachable on loopback only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from bihuan.simulation.catalogue import LANGUAGES, TIERS
from bihuan.simulation.chance import dice, pick
from schemas.complaint import CustomerIn

COMPANY_NAME = "禾屿智家（模拟）"
DOMAIN = "heyu.example"
SOURCE = "simulation"
CUSTOMERS = 240
_WITHOUT_CONTACT = 5
"""Every fifth customer left no address: there, nothing can be sent."""
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
"""People are named after the ten stems, as in a textbook example: nobody is called so."""


class DepartmentSeed(NamedTuple):
    """A department as it is to be saved."""

    code: str
    name: str
    name_en: str


class StaffSeed(NamedTuple):
    """A member of staff as to be saved."""

    code: str
    name: str
    department: str
    is_head: bool = False


DEPARTMENTS = (
    DepartmentSeed("product", "产品部", "Product"),
    DepartmentSeed("service", "服务部", "Service"),
    DepartmentSeed("process", "流程管理部", "Process"),
    DepartmentSeed("front_desk", "客服前台", "Front desk"),
    DepartmentSeed("special_group", "专项小组", "Special group"),
)
"""Codes and names are those of the shipped routing policy."""

STAFF = (
    StaffSeed("zhen", "甄靠谱", "product", is_head=True),
    StaffSeed("jian", "简换新", "product"),
    StaffSeed("bao", "包维修", "product"),
    StaffSeed("ji", "季检测", "product"),
    StaffSeed("wen", "文有礼", "service", is_head=True),
    StaffSeed("hao", "郝耐心", "service"),
    StaffSeed("le", "乐倾听", "service"),
    StaffSeed("chang", "常回电", "service"),
    StaffSeed("an", "安守时", "process", is_head=True),
    StaffSeed("lu", "路畅通", "process"),
    StaffSeed("cheng", "程不绕", "process"),
    StaffSeed("ying", "应先接", "front_desk", is_head=True),
    StaffSeed("deng", "邓一下", "front_desk"),
    StaffSeed("zuo", "左上心", "special_group", is_head=True),
    StaffSeed("yan", "严督办", "special_group"),
)


def contact(code: str) -> str:
    """Where a member of staff or a department gets mail."""
    return f"mailto:{code}@{DOMAIN}"


@dataclass(frozen=True)
class Company:
    """The people of one demo.

    Attributes:
        seed: Whatever depends on chance depends on it.
    """

    seed: int

    @cached_property
    def customers(self) -> tuple[CustomerIn, ...]:
        """Everybody who may complain."""
        return tuple(self._customer(number) for number in range(CUSTOMERS))

    @cached_property
    def handlers(self) -> dict[str, tuple[StaffSeed, ...]]:
        """Those who handle complaints, by department code; heads only supervise."""
        return {
            department.code: tuple(p for p in STAFF if p.department == department.code and not p.is_head)
            for department in DEPARTMENTS
        }

    def _customer(self, number: int) -> CustomerIn:
        chance = dice(self.seed, f"customer/{number}")
        name = chance.choice(_SURNAMES) + _STEMS[number // 10 % 10] + _STEMS[number % 10]
        return CustomerIn(
            external_id=f"C{number:03d}",
            name=name,
            contact_url=f"mailto:customer{number:03d}@mail.example" if number % _WITHOUT_CONTACT else None,
            language=pick(chance, LANGUAGES),
            tier=pick(chance, TIERS),
        )
