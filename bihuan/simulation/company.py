"""The simulated company 禾屿智家: departments, staff and customers, all invented, all reachable on loopback only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from bihuan.policy.frame import DAYS
from bihuan.simulation.catalogue import LANGUAGES, TIERS
from bihuan.simulation.chance import dice, pick
from schemas.access import Role
from schemas.complaint import CustomerIn
from schemas.people import NO_QUIET, StaffIn, StaffRole
from schemas.roster import ShiftIn, StaffBook

COMPANY_NAME = "禾屿智家（模拟）"
DOMAIN = "heyu.example"
SOURCE = "simulation"
CUSTOMERS = 240
_CALLED = 5
"""Every fifth customer left a telephone number only, of those that films use: there, nothing can be sent."""
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
    is_liaison: bool = False
    roles: tuple[StaffRole, ...] = ()
    substitute: str | None = None


DEPARTMENTS = (
    DepartmentSeed("product", "产品部", "Product"),
    DepartmentSeed("service", "服务部", "Service"),
    DepartmentSeed("process", "流程管理部", "Process"),
    DepartmentSeed("front_desk", "客服前台", "Front desk"),
    DepartmentSeed("special_group", "专项小组", "Special group"),
    DepartmentSeed("management", "总经办", "Management"),
)
"""Codes and names are those of the shipped routing policy; to management no complaint is routed."""

STAFF = (
    StaffSeed("zhen", "甄靠谱", "product", is_head=True, substitute="jian"),
    StaffSeed("jian", "简换新", "product", is_liaison=True, substitute="bao"),
    StaffSeed("bao", "包维修", "product", substitute="ji"),
    StaffSeed("ji", "季检测", "product", substitute="jian"),
    StaffSeed("wen", "文有礼", "service", is_head=True, substitute="hao"),
    StaffSeed("hao", "郝耐心", "service", is_liaison=True, substitute="le"),
    StaffSeed("le", "乐倾听", "service", substitute="chang"),
    StaffSeed("chang", "常回电", "service", substitute="hao"),
    StaffSeed("an", "安守时", "process", is_head=True, substitute="lu"),
    StaffSeed("lu", "路畅通", "process", is_liaison=True, substitute="cheng"),
    StaffSeed("cheng", "程不绕", "process", substitute="lu"),
    StaffSeed("ying", "应先接", "front_desk", is_head=True, substitute="deng"),
    StaffSeed("deng", "邓一下", "front_desk", is_liaison=True, substitute="ying"),
    StaffSeed("zuo", "左上心", "special_group", is_head=True, substitute="yan"),
    StaffSeed("yan", "严督办", "special_group", is_liaison=True, substitute="zuo"),
    StaffSeed("gu", "顾全局", "management", is_head=True, roles=(Role.EXECUTIVE,), substitute="jing"),
    StaffSeed("jing", "景求精", "management", is_liaison=True, roles=(Role.QUALITY_MANAGER,), substitute="gu"),
    StaffSeed("yun", "云值守", "management", roles=(Role.OPERATOR,), substitute="jing"),
)

DUTY = tuple(
    ShiftIn(rota="special_group", staff=staff, weekdays=DAYS, begins=begins, ends=ends)
    for staff, begins, ends in (("zuo", "08:00", "20:00"), ("yan", "20:00", "08:00"))
)
"""The special group is there day and night."""


def staff_book() -> StaffBook:
    """Everybody as they are to be saved. They have no quiet hours: a demo is alive at any hour of its visitor."""
    people = (
        StaffIn(**person._asdict(), contact_url=contact(person.code), quiet=NO_QUIET, is_simulated=True)
        for person in STAFF
    )
    return StaffBook(staff=tuple(people), duty=DUTY)


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
        address, telephone = f"mailto:customer{number:03d}@mail.example", f"tel:+1202555{100 + number // _CALLED:04d}"
        return CustomerIn(
            external_id=f"C{number:03d}",
            name=name,
            contact_url=address if number % _CALLED else telephone,
            language=pick(chance, LANGUAGES),
            tier=pick(chance, TIERS),
        )
