"""What a staff book may hold: its sheets and columns, by English and Chinese names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bihuan.inbound import roster_cell as cell
from schemas.people import Line, StaffIn
from schemas.roster import AbsenceIn, DepartmentIn, ShiftIn


class Column(NamedTuple):
    """A column that is read; an empty cell takes the usual value."""

    name: str
    chinese: tuple[str, ...]
    field: str = ""
    """Where it differs from the name."""
    read: cell.Reader = str
    is_needed: bool = False
    head: str = ""
    """As the file has it."""


class Sheet(NamedTuple):
    """A sheet that is read."""

    chinese: tuple[str, ...]
    columns: tuple[Column, ...]
    line: type[Line]
    is_whole: bool = False
    """Whatever stands in its first column is stated whole; alone in its line, as nothing."""


_LANGUAGE = Column("language", ("语言",), read=cell.language)
_TIME_ZONE = Column("timezone", ("时区",), read=cell.time_zone)
_CONTACT_URL = Column("contact_url", ("联系地址", "联系方式"), read=cell.contact)

SHEETS: Mapping[str, Sheet] = {
    "staff": Sheet(("人员", "员工"), (
        Column("code", ("工号",), is_needed=True),
        Column("name", ("姓名",), is_needed=True),
        Column("department", ("部门", "部门代码"), is_needed=True),
        Column("is_head", ("负责人", "是否负责人"), read=cell.flag),
        Column("is_active", ("在岗", "是否在岗"), read=cell.flag),
        Column("is_liaison", ("联络人", "是否联络人"), read=cell.flag),
        Column("roles", ("角色",), read=cell.roles),
        Column("substitute", ("替代人", "代理人")),
        _CONTACT_URL,
        Column("quiet", ("免打扰", "免打扰时段"), read=cell.quiet),
        _LANGUAGE, _TIME_ZONE,
    ), StaffIn),
    "departments": Sheet(("部门",), (
        Column("code", ("代码", "部门代码"), is_needed=True),
        Column("name", ("名称", "部门名称"), is_needed=True),
        Column("name_en", ("英文名", "英文名称")),
        _CONTACT_URL, _LANGUAGE,
    ), DepartmentIn),
    "duty": Sheet(("值班", "值班表"), (
        Column("rota", ("值班表", "值班"), is_needed=True),
        Column("staff", ("工号", "人员"), is_needed=True),
        Column("weekdays", ("星期",), read=cell.weekdays, is_needed=True),
        Column("begins", ("开始",), read=cell.time_of_day, is_needed=True),
        Column("ends", ("结束",), read=cell.time_of_day, is_needed=True),
        _TIME_ZONE,
        Column("from", ("起", "自", "开始日期"), field="from_on", read=cell.day),
        Column("until", ("止", "至", "结束日期"), field="until_on", read=cell.day),
    ), ShiftIn, is_whole=True),
    "absence": Sheet(("外出", "请假"), (
        Column("staff", ("工号", "人员"), is_needed=True),
        Column("from", ("起", "自", "开始"), field="begins", read=cell.moment, is_needed=True),
        Column("until", ("止", "至", "结束"), field="ends", read=cell.moment, is_needed=True),
    ), AbsenceIn, is_whole=True),
}  # fmt: skip
"""What a staff book may hold, by the names of its sheets and columns; Chinese ones are read as well."""
