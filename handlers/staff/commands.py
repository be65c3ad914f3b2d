"""What each staff command is called: its word, and the key of what it means to people."""

from collections.abc import Mapping
from types import MappingProxyType

from handlers.citizen.voice import Voice
from handlers.dialogue import Choice

# By key of the catalogue: `do.<key>` is what a link says, `act.<key>` the act in a sentence.
WORDS: Mapping[str, str] = MappingProxyType(
    {
        "sign-in": "#登录",
        "sign-out": "#退出",
        "inbox": "#待办",
        "called": "#已电话",
        "look": "#查",
        "history": "#历史",
        "findings": "#疑点",
        "nodes": "#节点",
        "take-in": "#收件",
        "bind-code": "#绑码",
        "account": "#登记账户",
        "accept": "#受理",
        "not-accept": "#不予受理",
        "correct": "#补正",
        "brought": "#收补正",
        "complete": "#完成",
        "approve": "#批准",
        "refuse": "#不予批准",
        "return": "#退回",
        "pay": "#支付",
        "release": "#复核支付",
        "bank-result": "#银行结果",
        "reissue": "#补发",
        "amend": "#更正",
        "explain": "#说明",
        "conclude": "#结论",
        "agree-join": "#同意加入",
        "agree-leave": "#同意退出",
    }
)

# Words of later stages.
LATER = (
    "#下达",
    "#名册",
    "#公告",
    "#发证",
    "#暂停",
    "#恢复",
    "#吊销",
    "#注销",
    "#验回执",
    "#统计",
)


def says(key: str, *rest: str) -> str:
    """The command written out."""
    return " ".join((WORDS[key], *rest))


def choice(say: Voice, key: str, *rest: str) -> Choice:
    """The command as something to tap."""
    return Choice(say.say(f"do.{key}"), says(key, *rest))
