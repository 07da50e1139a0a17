"""Masking: nothing of a person is left, and what people work by stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.rules import mask as module
from bihuan.rules.mask import MASK, mask

PERSONAL = [
    ("请打13812345678找我", "13812345678"), ("电话 138-1234-5678", "138-1234-5678"), ("+86 13812345678", "13812345678"),
    ("手机１３８１２３４５６７８没人接", "13812345678"), ("座机021-55667788转8012", "55667788"),
    ("打010-12345678", "12345678"), ("一三八一二三四五六七八", "一三八一二三四五六七八"),
    ("写信到 li.ming+1@example.com.cn 吧", "li.ming"), ("身份证110105199001011234", "110105199001011234"),
    ("证件号11010519900101123X", "11010519900101123X"), ("老证件110105900101123", "110105900101123"),
    ("退到卡号4111 1111 1111 1111上", "1111"), ("卡6222020200112230004", "6222"),
    ("张先生说没人管", "张"), ("客户李小明女士来电", "李小明"), ("欧阳女士", "欧阳"), ("我叫王小明，投诉", "王小明"),
    ("收货人：赵六六", "赵六六"), ("王师傅没来", "王"), ("微信号: wang_ming88", "wang_ming88"),
    ("QQ12345678", "12345678"),
    ("车牌沪A·12B45", "12B45"), ("地址是中山北路123号4栋501室", "123号"), ("住在3栋2单元501室", "501"),
    ("护照E12345678", "E12345678"), ("Call me at +44 20 7946 0958 please", "7946"),
    ("my phone is (617) 555-0123.", "555"), ("Mr. John Smith called", "Smith"), ("My name is Mary Jones", "Mary"),
    ("I live at 12 Baker Street", "Baker"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "secret"), PERSONAL)
def test_nothing_of_a_person_is_left(text: str, secret: str):
    assert secret not in mask(text)
    assert MASK in mask(text)


KEPT = [
    "订单号20261103000123还没发货", "订单 4111111111111111 没有收到", "运单SF1234567890123", "退款申请提交十天仍未到账",
    "安装师傅迟到三小时且没有提前通知", "收货后第三周突然无法开机，按说明书重置三次仍无反应。", "2026-11-16 09:30 来电",
    "发票金额1299.00元", "扫地机器人 R3 噪音65分贝", "三次进线都要重新说明订单号", "the robot stopped after 3 weeks",
    "Order 20261103000123 never came", "工单12号", "周六先到的是空箱", "客服说明天处理", "400-800-1234打不通",
]  # fmt: skip


@pytest.mark.parametrize("text", KEPT)
def test_what_people_work_by_stays(text: str):
    assert mask(text) == text


def test_the_words_around_stay():
    assert mask("客户李小明女士投诉：王师傅要加价，电话13812345678") == "客户***女士投诉：***师傅要加价，电话***"


def test_known_names_are_masked_wherever_they_stand():
    assert mask("Anna Bell ist nie da, Anna Bell!", names=["Anna Bell", "A"]) == "*** ist nie da, ***!"


@given(st.text(alphabet="张李王小明先生女士订单号客服13890 -@a.comX", max_size=40))
def test_masking_twice_changes_nothing_more(text: str):
    once = mask(text)
    assert mask(once) == once


@given(st.integers(13000000000, 19999999999), st.text(alphabet="请打给我call me ，。", max_size=6))
def test_no_mobile_number_survives(number: int, around: str):
    assert str(number) not in mask(f"{around}{number}{around}")


FRAGMENTS = st.sampled_from([text for text, _ in PERSONAL] + KEPT + ["中山路８号", "vx", "１３８", " ", "9", "Mr"])


EVERY_HINT = frozenset().union(*(needs for needs, _ in module._PATTERNS))


@given(st.lists(FRAGMENTS, max_size=4))
def test_hints_save_time_and_change_nothing(fragments: list[str]):
    text = "".join(fragments)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_hints", lambda _: EVERY_HINT)
        whole = mask(text)
    assert mask(text) == whole


def test_forty_thousand_texts_take_seconds():
    texts = [f"客户李小明女士反映扫地机器人反复掉线，请打138{number:08d}" for number in range(40_000)]
    began = time.perf_counter()
    masked = [mask(text) for text in texts]
    assert time.perf_counter() - began < 12  # about 2 s alone on one core
    assert not any("李小明" in text or "138" in text for text in masked)
