"""Personal data 个人信息 masked in what complainants wrote, before any of it leaves the database or is analysed.

A net, not a proof: it knows the forms in which telephone numbers, identity cards, bank cards, addresses and names are
usually written in Chinese and English. Where a form is ambiguous it masks. Numbers of orders stay, by which people
work, unless they have the form of a telephone number or an identity card.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import cache

MASK = "***"

_ASCII_DIGITS = str.maketrans("０１２３４５６７８９＠", "0123456789@")
_HAN = "\u4e00-\u9fff"
_SURNAMES = (
    "(?:欧阳|上官|司马|诸葛|夏侯|东方|皇甫|尉迟|公孙|慕容|令狐|司徒|"
    "[王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付"
    "方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤俞章鲁葛康柳倪施牛洪项祝骆樊华齐庄申温翟颜殷文安易乔伍兰路])"
)
_GIVEN = f"[{_HAN}]"
_TITLES = "(?:先生|女士|小姐|太太|大爷|阿姨)"
_TRADES = "(?:师傅|老师|经理|主任|医生|律师)"
_TELLS = "(?:我叫|本人叫|名叫|姓名|联系人|收货人|收件人|户名|投诉人|当事人)"
_ORDER = re.compile(
    r"(?:订单|单号|运单|快递|物流|工单|编号|流水|序列|order|tracking|invoice|ref|no\.?)\D{0,6}$", re.IGNORECASE
)
_FULL_WIDTH = re.compile("[０-９＠]")
_EDGE, _END = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"

_PATTERNS = tuple(
    (frozenset(needs.split()), re.compile(pattern))
    for needs, pattern in (
        ("@", r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"),
        ("chat", r"(?i:(?:微信|vx|wechat|wx|qq|weixin)(?:号码|号|id)?\s*(?:是|为|[:：])?\s*)([A-Za-z0-9_-]{5,20})"),
        ("eight", r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"),
        ("eight", rf"{_EDGE}0\d{{2,3}}[- ]?\d{{7,8}}(?:-\d{{1,5}})?(?!\d)"),
        ("digit +", r"(?<![\w+])\+\d{1,3}(?:[- ]?\(?\d{1,4}\)?){2,5}(?!\d)"),
        ("eight", r"(?<![\w(])\(?(?!400|800)[2-9]\d{2}\)?[- .][2-9]\d{2}[- .]\d{4}(?!\d)"),
        ("han", r"[零〇一二三四五六七八九幺]{8,}"),
        ("eight", rf"{_EDGE}[EGDP]\d{{8}}{_END}"),
        ("han", rf"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·. ]?[A-Z0-9]{{5,6}}{_END}"),
        ("street digit", rf"[{_HAN}]{{1,6}}(?:路|街|巷|弄|道)\s?\d+号(?:[{_HAN}\w-]{{0,12}}?(?:室|户|房))?"),
        ("block digit", r"\d+(?:栋|幢|座|号楼)(?:\d+单元)?\d+(?:室|户|房)?"),
        (
            "road digit",
            r"\b\d{1,5}(?: [A-Z][a-z]+){1,3} (?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd)\b\.?",
        ),
        ("tells", rf"{_TELLS}(?:是|为)?\s*[:：]?\s*({_SURNAMES}{_GIVEN}{{1,2}})(?![{_HAN}]{{0,1}}(?:号|单))"),
        ("address", rf"({_SURNAMES}{_GIVEN}{{0,2}}?){_TITLES}"),
        ("trade", rf"({_SURNAMES}){_TRADES}"),
        ("title", r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof)\.?\s+([A-Z][\w'-]+(?:\s+[A-Z][\w'-]+)?)"),
        ("name", r"(?i:my name is|name:)\s+([A-Z][\w'-]+(?:\s+[A-Z][\w'-]+){0,2})"),
    )
)
"""What hides which form; each with what a text must hold for the form to be looked for at all."""


_DIGIT, _EIGHT_DIGITS, _LETTER = re.compile(r"\d"), re.compile(r"\d(?:\D{0,2}\d){7}"), re.compile("[A-Za-z]")
_OF_DIGITS = {"eight": _EIGHT_DIGITS, "block": re.compile("栋|幢|座|号楼"), "road": re.compile(" (?:St|Ave|R|L|D|B)"),
              "street": re.compile("号")}  # fmt: skip
_OF_HAN = {"tells": re.compile(_TELLS), "address": re.compile(_TITLES), "trade": re.compile(_TRADES),
           "chat": re.compile("微信")}  # fmt: skip
_OF_LETTERS = {"chat": re.compile("vx|wx|qq|wechat|weixin", re.IGNORECASE), "title": re.compile("Mr|Ms|Miss|Dr|Prof"),
               "name": re.compile("name", re.IGNORECASE)}  # fmt: skip


def _hints(text: str) -> list[str]:
    """What a text holds of that which forms need; most texts hold little, and are seen to after a few looks."""
    found = [sign for sign in ("@", "+") if sign in text]
    if _DIGIT.search(text):
        found += ["digit", *_held(_OF_DIGITS, text)]
    if not text.isascii():
        found += ["han", *_held(_OF_HAN, text)]
    if _LETTER.search(text):
        found += _held(_OF_LETTERS, text)
    return found


def _held(hints: Mapping[str, re.Pattern[str]], text: str) -> list[str]:
    return [name for name, sign in hints.items() if sign.search(text)]


@cache
def _looked_for(held: frozenset[str]) -> Sequence[re.Pattern[str]]:
    """The forms that a text may have which holds these."""
    return [pattern for needs, pattern in _PATTERNS if needs <= held]


_IDENTITY = re.compile(rf"{_EDGE}\d{{6}}(?:\d{{2}})?\d{{2}}\d{{4}}\d{{3}}[\dXx]?{_END}")
_CARD = re.compile(r"(?<![\d-])\d{4}(?:[ -]?\d{4}){2,3}(?:[ -]?\d{1,3})?(?![\d-])")


def mask(text: str, names: Collection[str] = ()) -> str:
    """The text with what tells of a person put out of sight.

    Args:
        text: What somebody wrote, in any language.
        names: Names that are known to occur, of the complainant and of staff; masked as they stand, from two
            characters on.

    Returns:
        The text, ``MASK`` in the place of each e-mail address, telephone number, chat account, identity card (whose
        birthday is a day), bank card (whose check digit is right), passport, licence plate, house and name. Digits of
        full width come back as usual ones. Masking twice changes nothing more.
    """
    if _FULL_WIDTH.search(text):
        text = text.translate(_ASCII_DIGITS)
    if names:
        for name in sorted((name for name in names if len(name) > 1), key=len, reverse=True):
            text = text.replace(name, MASK)
    held = frozenset(_hints(text))
    if "eight" in held:
        text = _IDENTITY.sub(lambda found: MASK if _is_identity(found[0]) else found[0], text)
        text = _CARD.sub(lambda found: MASK if _is_card(found, text) else found[0], text)
    for pattern in _looked_for(held):
        text = pattern.sub(_hidden, text)
    return text


def _hidden(found: re.Match[str]) -> str:
    """The match with its group masked, or all of it where it has none."""
    if not found.re.groups:
        return MASK
    start, end = found.start(1) - found.start(), found.end(1) - found.start()
    return found[0][:start] + MASK + found[0][end:]


def _is_identity(number: str) -> bool:
    """Whether it has the length of an identity card, 15 or 18, and a day of birth in its place (GB 11643-1999)."""
    if len(number) not in {15, 18}:
        return False
    born = number[6:14] if len(number) == len("110105199001011234") else "19" + number[6:12]
    try:
        date.fromisoformat(born)
    except ValueError:
        return False
    return "1900" <= born[:4] <= "2099"


def _is_card(found: re.Match[str], text: str) -> bool:
    """Whether the digits pass the check of ISO/IEC 7812 (Luhn) and are not named as those of an order."""
    digits = [int(sign) for sign in found[0] if sign.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and not _ORDER.search(text[: found.start()])
