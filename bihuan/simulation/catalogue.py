"""What the simulated company sells, and what people complain about: words and weights, no behaviour.

Everything here is invented. Weights need not add up to anything.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from schemas.complaint import Channel, Kind, Severity


class Product(NamedTuple):
    """Something the company sells or does."""

    name: str
    business_line: str
    weight: int
    is_installed: bool = False
    """Fitted at the customer's home by the company's people."""


class Problem(NamedTuple):
    """One way in which things go wrong: ``{product}`` and ``{region}`` are filled in."""

    kind: Kind | None
    title: str
    matter: str
    demand: str
    weight: int
    is_installed: bool = False
    """Happens only with products that are."""


CHANNELS = {
    Channel.PHONE: 40,
    Channel.CHAT: 24,
    Channel.APP: 14,
    Channel.EMAIL: 8,
    Channel.SOCIAL: 6,
    Channel.WEB: 5,
    Channel.STORE: 3,
}
SEVERITIES = {Severity.GENERAL: 85, Severity.URGENT: 12, Severity.MAJOR: 3}
REGIONS = {"华东": 34, "华南": 24, "华北": 18, "西南": 12, "华中": 8, "西北": 4}
SLOW_REGION = "西北"
"""Far from the spare-part stores: handling takes longer there. The demo's finding to be made."""
WAITED_FOR = ("等客户补充照片", "等客户确认上门时间", "等备件到货")
"""What nobody in the company can hurry: the clock of handling stands still meanwhile."""
PLANS = ("今天由主管致电道歉，三天内上门更换", "请质检复核这一批次，结果出来后回电", "补偿一次免费保养，并改排上门时间")
"""How a negative answer is taken on."""
DONE = ("主管已致电道歉，新机已换好", "已退还上门费，并说明了原因", "已补做保养，客户在场确认")
"""What was done about it, as the complainant was told."""
LANGUAGES = {"zh": 95, "en": 5}
TIERS = {"basic": 75, "advanced": 20, "premium": 5}

HOURS = (1, 1, 0, 0, 0, 1, 2, 5, 12, 20, 22, 19, 13, 14, 18, 19, 17, 14, 12, 13, 12, 9, 5, 2)
"""Weight of each local hour, from midnight."""
WEEKDAYS = (1.25, 1.1, 1.05, 1.0, 1.0, 0.9, 0.7)
"""Load of each day against the average, Monday first."""

PRODUCTS = (
    Product("扫地机器人 R3", "智能家居", 20),
    Product("智能门锁 L5", "智能家居", 14, is_installed=True),
    Product("空气净化器 A2", "智能家居", 10),
    Product("洗碗机 D1", "厨房电器", 14, is_installed=True),
    Product("净水器 W6", "厨房电器", 16, is_installed=True),
    Product("嵌入式烤箱 K8", "厨房电器", 8, is_installed=True),
    Product("电动窗帘 C4", "家居定制", 8, is_installed=True),
    Product("智能灯光套装 G7", "家居定制", 10),
)

PROBLEMS = (
    Problem(Kind.PRODUCT, "{product}用了不到一个月就无法开机", "收货后第三周突然无法开机，按说明书重置三次仍无反应。",
            "换新或退货", 14),
    Problem(Kind.PRODUCT, "{product}噪音明显大于宣传", "宣传页写静音，实际运行时隔壁房间都能听到，影响孩子休息。",
            "上门检测并给出书面结论", 9),
    Problem(Kind.PRODUCT, "{product}与说明书描述的功能不符", "说明书中的定时功能在应用里找不到，客服也说不清楚。",
            "补上功能或退差价", 7),
    Problem(Kind.PRODUCT, "{product}外壳开裂", "装好第二天发现侧面有一条裂纹，越来越长，照片可以提供。",
            "尽快上门更换", 5, is_installed=True),
    Problem(Kind.PRODUCT, "{product}固件升级后频繁掉线", "升级后每天掉线四五次，路由器已更换，问题依旧。",
            "退回旧版本或修复", 8),
    Problem(Kind.SERVICE, "客服承诺回电，两天没有消息", "周一反映{product}的问题，客服说当天回电，至今没有任何人联系。",
            "主管回电说明情况", 11),
    Problem(Kind.SERVICE, "安装师傅迟到三小时且没有提前通知", "预约上午安装{product}，下午才到，请的半天假白请了。",
            "道歉并补偿误工", 10, is_installed=True),
    Problem(Kind.SERVICE, "安装师傅要求额外收取材料费", "{product}页面写免费安装，师傅到场后要求支付材料费且不开收据。",
            "退还费用并核实收费标准", 8, is_installed=True),
    Problem(Kind.SERVICE, "在线客服反复让提供同样的信息", "三次进线都要重新说明{product}的订单号和问题，没有人跟进。",
            "指定一位专员跟到底", 7),
    Problem(Kind.SERVICE, "维修后问题再次出现", "{product}上周刚维修过，三天后同样的故障又出现了。",
            "更换主要部件并延长保修", 8),
    Problem(Kind.PROCESS, "{product}订单显示已送达但没有收到", "物流显示本人签收，实际没有收到，快递柜里也没有。",
            "查清去向并重新发货", 9),
    Problem(Kind.PROCESS, "退款申请提交十天仍未到账", "{product}已退回仓库，页面一直停在审核中。",
            "给出到账的准确日期", 10),
    Problem(Kind.PROCESS, "预约安装被系统取消，没有人说明原因", "{product}到货后预约被取消两次，每次都要重新排队。",
            "确定一个不会再取消的时间", 7, is_installed=True),
    Problem(Kind.PROCESS, "发票抬头改了三次还是错的", "{product}的发票需要报销，每次改完下载都是旧抬头。",
            "本周内拿到正确发票", 5),
    Problem(Kind.PROCESS, "以旧换新的补贴没有抵扣", "下单{product}时勾选了以旧换新，结算时没有抵扣。",
            "补发差额", 6),
    Problem(None, "对{product}的使用体验不满意", "总体不满意，希望有人听一听具体情况。", "希望有人联系", 2),
)  # fmt: skip


class Limits(NamedTuple):
    """How long a complaint may take, from registration."""

    responded: timedelta
    handled: timedelta


LIMITS = {
    Severity.GENERAL: Limits(timedelta(hours=2), timedelta(hours=48)),
    Severity.URGENT: Limits(timedelta(minutes=30), timedelta(hours=24)),
    Severity.MAJOR: Limits(timedelta(minutes=15), timedelta(hours=24)),
}
"""What the company's people believe the policy says; the policy itself may say otherwise."""


class Habit(NamedTuple):
    """How long people usually take for each step: the median, after the step before."""

    assigned: timedelta
    responded: timedelta
    handled: timedelta


HABITS = {
    Severity.GENERAL: Habit(timedelta(minutes=15), timedelta(minutes=25), timedelta(hours=13)),
    Severity.URGENT: Habit(timedelta(minutes=4), timedelta(minutes=8), timedelta(hours=6)),
    Severity.MAJOR: Habit(timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=8)),
}
