"""Where people meet the ledger: the table of contents of the whole conversation.

Rows stand in the order in which people mean things. A row marked `exact` does something, so no typo, no question and
nothing unsealed reaches it.
"""

from functools import partial

from bot.menu import Button, Menu
from bot.messages import (
    Image,
    Link,
    Location,
    Scanned,
    ShortVideo,
    Subscribed,
    SubscribePopup,
    UnknownKind,
    Unsubscribed,
    Video,
    Voice,
)
from bot.routing import Route, on, on_command, on_masked, on_number, on_sense, on_words, otherwise
from handlers.citizen import (
    binding,
    cases,
    confirming,
    guide,
    kinds,
    message_settings,
    numbers,
    payments,
    people,
    phrases,
    receipts,
    received,
    scanning,
    withdraw,
)
from handlers.citizen import help as helping
from handlers.citizen.phrases import READER, Topic
from handlers.citizen.taken_for import telling
from handlers.dialogue import YES, counting, guarded, marked
from handlers.services import Services
from handlers.staff import STAFF_ROUTES

meaning = partial(on_sense, READER)

CITIZEN_ROUTES: list[Route[Services]] = [
    # who comes and goes, and what holds no words
    on(Subscribed, scanning.scanned),
    on(Scanned, scanning.scanned),
    on(Unsubscribed, helping.silent),
    on(Voice, kinds.voice_unheard),
    on(Image, kinds.image),
    on(Video, kinds.video),
    on(ShortVideo, kinds.video),
    on(Location, kinds.location),
    on(Link, kinds.link),
    on(UnknownKind, kinds.unknown, kinds.is_sent),
    on(SubscribePopup, message_settings.tapped),
    on_masked(helping.masked),
    # an application
    on_command("进度", cases.progress, also=("查进度", "办件进度", "progress", "status"), looks=True),
    on_command("我的办件", cases.mine, also=("我的申请", "我的事项", "my cases", "my case"), looks=True),
    on_command("经过", cases.story, also=("办理经过", "history"), looks=True),
    on_command("看进度", cases.again, argument="none", looks=True),
    on_command("看经过", cases.story, argument="none", looks=True),
    on_command("撤回申请", withdraw.withdraw, also=("撤回", "withdraw"), exact=True),
    # money
    on_command("补贴", payments.progress, also=("查补贴", "救助金", "payment"), looks=True),
    on_command("我的补贴", payments.mine, also=("my payments", "my payment"), looks=True),
    on_command("看这笔钱", payments.again, argument="none", looks=True),
    on_command("钱收到了", received.received, also=received.SAID_ALSO, exact=True),
    on_command("没收到", people.not_received, also=("没有收到", "钱没收到", "没收到钱", "not received"), exact=True),
    on_command("数目不对", people.wrong_amount, also=("金额不对", "数不对", "钱数不对", "wrong amount"), exact=True),
    on_command("看看再说", confirming.later, argument="none"),
    # what is kept as evidence
    on_command("回执", receipts.receipt, also=("凭证", "存证回执", "receipt")),
    on_command("我的回执", receipts.mine, also=("my receipts", "my receipt")),
    on_command("核验", receipts.check, also=("核验码", "校验码", "check")),
    # who somebody is
    on_command("绑定", binding.bind, also=("bind",)),
    on_command("解绑", binding.unbind, also=("解除绑定", "取消绑定", "unbind"), argument="none", exact=True),
    # how they are told of news
    on_command("消息设置", message_settings.show, also=("通知设置", "消息", "messages", "notices"), argument="none"),
    on_command(
        message_settings.ON, message_settings.turn_on, also=("开启消息", "messages on"), argument="none", exact=True
    ),
    on_command(
        message_settings.OFF,
        message_settings.turn_off,
        also=("关掉消息", "关消息", "messages off"),
        argument="none",
        exact=True,
    ),
    on_command(message_settings.SUBSCRIBE, message_settings.subscribe, also=("订阅", "subscribe"), argument="none"),
    # one word at a time
    on_command(YES, confirming.yes, also=("confirm",), argument="none", exact=True),
    on_command("取消", confirming.no, also=("0", "返回", "算了", "cancel", "back"), argument="none"),
    on_command("人工", people.human, also=("找工作人员", "人工服务", "转人工", "human"), argument="none"),
    on_command("菜单", helping.menu, also=("主菜单", "目录", "menu"), argument="none", looks=True),
    on_command("帮助", helping.helped, also=("怎么用", "help"), argument="none", looks=True),
    on_command("English", helping.speak_english, also=("英文", "英语"), argument="none"),
    on_command("中文", helping.speak_chinese, also=("Chinese", "汉语"), argument="none"),
    # what comes later
    *(on_command(word, helping.not_open, also=also) for word, also in helping.LATER),
    # a number by itself, and the words that people really use
    on_number(numbers.opened),
    on_words(phrases.DIGIT, confirming.digit),
    on_words(phrases.LAST_FOUR, numbers.last_four),
    on_words(phrases.STICKER, kinds.sticker),
    on_words(phrases.NOT_PASSED_ON, kinds.unsupported),
    meaning(Topic.MONEY, payments.progress, looks=True),
    meaning(Topic.PROGRESS, cases.progress, looks=True),
    meaning(Topic.PAPERS, cases.progress, looks=True),
    meaning(Topic.APPLY, guide.applying, looks=True),
    meaning(Topic.ELSEWHERE, guide.elsewhere, looks=True),
    meaning(Topic.WITHDRAW, guide.withdrawing),
    meaning(Topic.ACCOUNT, guide.account),
    meaning(Topic.RECEIPT, receipts.receipt),
    meaning(Topic.NOTICES, message_settings.show),
    meaning(Topic.BIND, guide.binding),
    meaning(Topic.SLIP, guide.slip),
    meaning(Topic.URGENT, people.urgent),
    meaning(Topic.HUMAN, people.human, looks=True),
    meaning(Topic.WINDOW, people.human, looks=True),
    meaning(Topic.HELP, helping.helped, looks=True),
    meaning(Topic.MENU, helping.menu, looks=True),
    meaning(Topic.GREETING, helping.greet, looks=True),
    meaning(Topic.THANKS, confirming.thanks, looks=True),
    meaning(Topic.YES, confirming.thanks),
    meaning(Topic.NO, confirming.declined),
    otherwise(helping.not_understood),
]

ROUTES: list[Route[Services]] = [
    marked(guarded(counting(row))) for row in (*STAFF_ROUTES, *(telling(row) for row in CITIZEN_ROUTES))
]

MENU = Menu(
    (
        Button("查进度", key="进度"),
        Button("查补贴", key="补贴"),
        Button(
            "更多",
            below=tuple(Button(word, key=word) for word in ("我的回执", "消息设置", "绑定", "人工", "帮助")),
        ),
    )
)
