"""Brings what people type into the plain words that the table of phrases is written in: dialect, particles, marks.

Nothing here decides whether a text asks, and nothing exact is compared with what comes out: it is only for looks.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

TEXT_CHARACTERS_MAX = 240  # of a longer story the beginning says what it is about

# The word of the table, and what people say for it between Harbin and Guangzhou.
DIALECT: Mapping[str, str] = MappingProxyType(
    {
        "什么时候": (
            "啥时候 啥时 啥会儿 什么时间 啥时间 多咱 多会儿 多会 几时 何时 嘛时候 么子时候 咩时候 哪阵 什么日子 哪一天"
        ),
        "怎么样": "咋样 咋个样 咋着 点样 啷个样",
        "怎么": "怎样 如何 咋个 咋地 咋的 咋就 咋 啷个 楞个 乍 怎地 怎就",
        "为什么": "为啥 为嘛 为何 咋回事 怎么回事 啥原因 什么原因 点解 凭啥 凭什么",
        "干什么": "干嘛 干么 做嘛",
        "是什么": "是嘛",
        "什么": "啥子 啥 么子 幺子 甚么 咩",
        "没有": "没得 莫得 木有 么有 冇 米有 未有",
        "没": "未",
        "我的": "俺的 俺滴 我滴 偶的 我家 俺家 咱家 我们家 我嘅",
        "我": "俺们 咱们 我们 俺 偶 咱 吾",
        "你们": "恁们 您们 你哋 恁",
        "办": "整 弄 搞",
        "哪": "哪里 哪儿 哪疙瘩 哪旮旯 哪块儿 边度 啊哪",
        "了": "咗 嘞 啦 咧",
        "的": "嘅 滴",
        "给": "畀 俾",
        "钱": "钱款 款子 款项 票子 银子 钞票 银两",
        "知道": "晓得 造",
        "找": "搵",
        "拿": "攞",
        "看": "睇 瞅瞅 瞅 瞧瞧 瞧",
        "是不是": "系咪 系唔系 是否",
        "有没有": "有冇 有木有 有无",
        "好": "妥当 妥 得劲 齐活 巴适 掂 利索",
        "星期": "礼拜",
        "现在": "而家 目前 眼下 当前",
        "还": "仲",
        "这么": "咁 恁么",
        "东西": "嘢 物件",
        # looks alike, or sounds alike and means something else as well
        "救助": "求助 救住",
        "通知": "通之 通只 通智",
        "受理": "受里 收理",
        "账": "帐",
    }
)

_STANDARD = {said: word for word, variants in DIALECT.items() for said in variants.split()}
_DIALECT = re.compile("|".join(sorted(map(re.escape, _STANDARD), key=len, reverse=True)))
_STICKER = re.compile(r"\[[^\]\s]{1,12}\]")
_NOT_WORDS = re.compile(r"[^0-9a-z\u3400-\u9fff\U00020000-\U0003ffff]+")
# 么, 嘛, 不 and 否 at the end ask as 吗 does; 怎么 and 什么 do not.
_ENDS_ASKING = re.compile(r"(?:(?<![怎什这那多])么|伐|否|嘛|哇|(?<=[好了成行对到在])不)$")
# Said at the end, and meaning nothing.
_PARTICLES = re.compile(r"(?:[呀啊哈哦噢呗哟喔嗷哒]|急|在线等|老师|同志)+$")


def without_stickers(text: str) -> str:
    """The words of a text, in small letters."""
    return _STICKER.sub(" ", text[:TEXT_CHARACTERS_MAX]).lower()


def squeezed(text: str) -> str:
    """Letters and characters alone, without spaces, marks and stickers."""
    return _NOT_WORDS.sub("", without_stickers(text))


def plain(squeezed_text: str) -> str:
    """The same in the table's words, without particles at the end, unless nothing else is there."""
    said = _DIALECT.sub(lambda found: _STANDARD[found[0]], squeezed_text)
    said = _PARTICLES.sub("", said) or said
    return _ENDS_ASKING.sub("吗", said)
