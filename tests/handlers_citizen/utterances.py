"""How people ask, composed by chance: some sixty kinds, each in words of its own, dressed as people dress them.

The templates of the sixty kinds were written before the table of phrases, which then learned from what it missed of
them; `UNSEEN` was written after it, and it learned nothing from that. What a kind means is a set: where two topics give
the same help, either is right.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import zhconv
from pypinyin import lazy_pinyin

SLOTS = {
    "m": ("钱", "补贴", "救助金", "低保金", "高龄津贴", "补助", "这笔钱", "那笔款", "老人津贴", "钱款"),
    "c": ("低保", "临时救助", "居住证", "高龄补贴", "救助", "申请"),
    "t": ("什么时候", "啥时候", "哪天", "几号", "多久", "何时"),
    "q": ("没", "了没", "没有", "吗", "了吗", "了没有", "没啊"),
    "me": ("", "我", "我的", "我家", "我妈的", "我爸的"),
}


@dataclass(frozen=True)
class Kind:
    """One way of asking."""

    name: str
    means: frozenset[str]
    templates: tuple[str, ...]


def kind(name: str, means: str, *templates: str) -> Kind:
    return Kind(name, frozenset(means.split()), templates)


KINDS = (
    # money
    kind("arrived?", "money", "{me}{m}到位{q}", "{m}进卡里{q}", "{m}有没有到我这", "卡上见着{m}{q}"),
    kind("not yet", "money", "{m}怎么到现在都没到", "都快一个月了{m}还是没影", "别人都领到{m}了我怎么没有"),
    kind("credited?", "money", "{m}打进来{q}", "银行卡收到{m}{q}", "{me}{m}发下来{q}"),
    kind("when money", "money", "{m}{t}才能打过来", "{t}能拿到{m}", "{m}大概{t}下发", "{t}发{m}"),
    kind("how much", "money", "{m}一共给多少", "这次能拿多少{m}", "批给我的{m}是几千"),
    kind("too little", "money", "{m}跟批的数不一样", "怎么只到了三百块", "{m}少了两千多是怎么回事", "{m}被谁扣了"),
    kind("which card", "money account", "{m}打到哪张卡上了", "{m}汇到哪个账户了"),
    kind("failed?", "money", "{m}是不是被银行退回去了", "{m}为什么转账失败"),
    kind("again?", "money", "退回去的{m}还会再发吗", "{t}给我重新打{m}"),
    kind("this month", "money", "这个月的低保金发{q}", "上个月低保钱下来{q}", "十月份的{m}呢"),
    kind("nothing came", "money", "{m}一直没见到", "我卡里一分钱没有", "{m}还没有收到"),
    kind("for family", "money", "我妈的{m}到{q}", "替我爸问问{m}发{q}", "我奶奶的{m}打{q}"),
    kind("the payer", "money", "财政局把{m}拨下来{q}", "{m}在财政那边卡住了吗"),
    kind("all money", "money", "我一共有哪些{m}", "看看我都领过什么补助"),
    kind("it came", "money", "{m}今天到了", "刚刚到账了两万", "低保金我拿到了"),
    # an application
    kind("approved?", "progress", "{c}批准{q}", "{c}批下来{q}", "领导给批{q}"),
    kind("where", "progress", "{c}现在走到哪一步了", "{me}{c}办到什么程度了", "我的事现在在谁手里"),
    kind("slow", "progress", "{c}怎么拖这么久", "交上去半个月了没动静", "怎么一直不给办"),
    kind("when ready", "progress", "{c}{t}能办下来", "还得等{t}才有结果", "{t}给我答复"),
    kind("ready?", "progress", "{c}弄好{q}", "事情办妥{q}", "{me}{c}办完{q}"),
    kind("accepted?", "progress", "你们受理{q}", "我交的{c}收下{q}", "{c}受理{q}"),
    kind("examined?", "progress", "{c}审核通过{q}", "审到哪了", "{c}审完{q}"),
    kind("public notice", "progress", "{c}公示{q}", "村里公示完{q}"),
    kind("result?", "progress", "{c}有结果{q}", "申请的结果出来{q}", "{c}有消息{q}"),
    kind("refused", "progress", "{c}为什么没批", "怎么不给我通过", "{c}被拒了是为啥"),
    kind("papers complete?", "progress papers", "我交的材料够{q}", "资料都齐{q}", "材料还差哪些"),
    kind("papers missing", "progress papers", "还要补什么材料", "缺哪样东西", "让我补的租房合同收到{q}"),
    kind("papers until", "progress papers", "材料最迟哪天交", "补材料截止到{t}"),
    kind("urge", "progress", "能不能帮我催一下{c}", "麻烦快点给我办", "{c}能加急吗"),
    kind("permit", "progress", "居住证可以去拿{q}", "我的证做好{q}", "居住证{t}能领"),
    kind("my affairs", "progress", "看下我办的事", "我申请了几个事都怎么样了", "查查我的申请"),
    kind("how far", "progress", "帮我看看进行到哪了", "到哪个环节了", "现在是什么状态"),
    # people
    kind("a person", "human", "我要跟人说", "给我接个人工", "能不能找个真人", "转接工作人员"),
    kind("telephone", "window human", "你们那电话是多少", "给个联系方式", "打哪个号码能找到你们"),
    kind("place", "window", "你们在哪个地方办公", "便民中心怎么去", "要去几号窗口"),
    kind("hours", "window", "下午几点开门", "周六上不上班", "中午休息吗", "国庆放假你们上班吗"),
    kind("the boss", "human", "办事的人态度太差", "我要找你们领导", "叫你们负责人来"),
    kind("cannot", "help human", "我不识字怎么弄", "这个我不会操作", "字太小看不清"),
    kind("hello", "greeting", "您好呀", "你们好", "早啊", "有没有人在", "哈罗"),
    kind("who", "greeting help", "你是机器人吗", "这个号是干什么的", "你能做什么"),
    kind("thanks", "thanks", "太谢谢你们了", "感恩", "麻烦你啦", "真是太感谢了"),
    kind("all right", "thanks yes", "好嘞", "收到收到", "晓得了", "行吧", "ok的", "嗯嗯好"),
    kind("bye", "thanks", "拜拜", "没别的事了", "先这样"),
    kind("yes", "yes thanks", "是的", "没错", "可以", "对对对"),
    kind("no", "no thanks", "算啦", "不弄了", "还是算了吧"),
    kind("help", "help", "这个怎么使", "教教我怎么用", "有什么功能", "怎么操作"),
    kind("start again", "menu", "重新开始", "回到开头", "首页", "退出"),
    # around it
    kind("binding", "bind", "怎么绑定", "绑定码去哪拿", "没有绑定码怎么办", "微信怎么绑我的信息"),
    kind("unbinding", "bind", "怎么取消绑定", "怎么解绑呢"),
    kind("slip lost", "slip", "小票弄丢了", "编号忘了怎么查", "单子上的编号找不着了"),
    kind("slip?", "slip", "查询码在哪看", "编号是什么", "8位查询码是哪个"),
    kind("by ID?", "slip", "用身份证能查吗", "输手机号可以查吗"),
    kind("tell me", "notices", "钱到了叫我一声", "有结果了通知我", "到账能发短信提醒吗"),
    kind("be quiet", "notices", "别老给我发消息", "怎么关掉通知", "不要再提醒我了"),
    kind("not told", "notices", "怎么没通知我", "钱到了也不告诉我一声", "为什么收不到通知"),
    kind("another card", "account", "我换银行卡了怎么办", "卡号填错了能改吗", "旧卡注销了", "社保卡丢了怎么办"),
    kind("withdrawing?", "withdraw", "申请能撤吗", "不想办了怎么取消", "怎么把申请撤回来"),
    kind("applying", "apply", "怎么申请低保", "办居住证要什么条件", "我家能吃低保吗", "想申请救助去哪"),
    kind("receipt", "receipt", "有没有回执给我", "凭证在哪看", "回执怎么看"),
    kind("sticker", "sticker", "[微笑]", "[强][强]", "👍", "🙏🙏"),
)

ENGLISH = {
    "money": ("Has my money arrived yet?", "when will the subsidy be paid", "where's my payment", "I did not get the allowance",
              "why is it less than approved", "did the bank transfer it"),
    "progress papers": ("where is my application now", "is it approved", "how long will it take", "what documents are missing",
                        "any news on my case?", "when will my permit be ready", "are my papers complete"),
    "human": ("can I talk to a real person", "I want to speak with someone", "human please"),
    "window human": ("what is your phone number", "where is your office", "what time do you open", "opening hours?"),
    "greeting": ("hello", "good morning", "hi there"),
    "thanks": ("thank you so much", "thanks a lot", "ok great", "bye bye"),
    "help": ("how does this work", "what can you do", "help me please"),
    "bind": ("how do I bind my account", "where can I get a binding code"),
    "notices": ("let me know when the money comes", "stop sending me messages", "notify me"),
    "account": ("my bank card has changed", "I lost my card"),
    "slip": ("I lost the slip", "what is a query code"),
    "apply": ("how can I apply", "am I eligible"),
}  # fmt: skip

# Written after the table of phrases was finished, and never used to change it: what it makes of these was seen once.
UNSEEN: dict[str, tuple[str, ...]] = {
    "money": ("我家老人的津贴到了吗", "怎么还没把钱打过来", "低保钱几号打", "补助是不是已经发了", "钱到账了为什么查不到", "这次补贴给了多少", "我领的钱不够", "救助款退回去以后怎么办", "卡里还是没有钱", "那个钱还给不给了", "民政局什么时候给我打款", "补贴发到谁手里了", "钱好像打少了", "你们给我打了几次钱", "高龄补贴还没拿到", "这笔补助什么时候能到手", "帮我问问钱的事", "低保发放了没有呢", "说发钱怎么没发", "我等钱看病呢"),
    "progress papers": ("我交的申请有没有人看", "低保还要批几天", "居住证办到哪里了", "材料收到了没有", "什么时候通知我结果", "怎么一点消息都没有", "申请没通过吗", "审批过了没", "我的事怎么样了啊", "能不能快些办", "还差什么证明", "查我的办件", "办理结果", "申请了好久了", "是谁在审我的材料", "补的材料行不行", "什么时候公示", "现在进行到哪了", "办完了吗", "居住证能拿了吗"),
    "human window": ("人工客服", "请给我找个人", "电话多少", "你们在什么位置", "上班时间是几点", "星期天上班吗", "有真人吗", "窗口怎么走", "找管事的", "我听不懂"),
    "greeting": ("您好", "有人在吗", "下午好"),
    "thanks yes no": ("多谢", "好", "明白", "拜拜", "不用"),
    "bind": ("如何绑定", "怎么领绑定码"),
    "slip": ("编号忘了", "没有小票怎么办"),
    "notices": ("钱到了通知我一声", "不要发消息了"),
    "account": ("我的卡丢了", "换新卡了"),
    "withdraw": ("怎么撤回申请", "我不申请了"),
    "apply": ("申请低保的条件", "居住证怎么申请"),
    "receipt": ("我要回执", "凭证呢"),
    "help": ("怎么操作", "能做什么"),
    "menu": ("重新开始", "回主页"),
}  # fmt: skip

# --- how they are dressed ---

DIALECT = (
    ("什么时候", ("啥时候", "啥时", "多咱", "几时", "嘛时候")),
    ("怎么样", ("咋样", "咋个样")),
    ("怎么", ("咋", "咋个", "咋就")),
    ("为什么", ("为啥", "咋回事")),
    ("什么", ("啥", "么子", "嘛")),
    ("没有", ("没得", "木有", "冇")),
    ("我的", ("俺的", "俺滴")),
    ("我", ("俺",)),
    ("办好", ("整好", "弄好", "弄得劲")),
    ("办", ("整", "弄")),
    ("哪里", ("哪儿", "哪疙瘩")),
    ("你们", ("恁", "你们那儿")),
)
# What an input method offers beside what was meant.
SLIPS = (
    ("补贴", "补帖"), ("补贴", "布贴"), ("低保", "底保"), ("低保", "低宝"), ("到账", "到帐"), ("钱", "前"), ("材料", "才料"), ("申请", "申情"),
    ("津贴", "津帖"), ("救助", "求助"), ("救助", "救住"), ("审核", "审合"), ("受理", "受里"), ("办", "半"), ("批", "披"), ("发", "法"),
    ("通知", "通之"), ("绑定", "帮定"), ("绑定", "梆定"), ("编号", "编好"), ("窗口", "窗扣"), ("电话", "电花"), ("居住证", "居注证"),
    ("公示", "公式"), ("结果", "节果"), ("查询码", "查寻码"), ("回执", "回直"), ("凭证", "平证"), ("人工", "人公"),
)  # fmt: skip
BEFORE = (
    "您好，",
    "你好 ",
    "请问一下",
    "麻烦问下，",
    "老师，",
    "同志你好，",
    "大姐，",
    "领导，",
    "打扰了，",
    "想问一下 ",
    "那个，",
    "喂，",
)
AFTER = ("，谢谢", " 谢谢您", "，麻烦了", "，急", "，在线等", "🙏", "[抱拳]", "啊", "呀", "，辛苦啦", " 谢谢老师", "哈")
MARKS = ("？", "?", "？？？", "…", "。", "！", "～", "", "")

Dress = Callable[[str, random.Random], str]


def _dialect(text: str, chance: random.Random) -> str:
    for plain, said in DIALECT:
        if plain in text and chance.random() < 0.7:
            text = text.replace(plain, chance.choice(said), 1)
    return text


def _slip(text: str, chance: random.Random) -> str:
    fitting = [pair for pair in SLIPS if pair[0] in text]
    return text.replace(*chance.choice(fitting), 1) if fitting else _finger(text, chance)


def _finger(text: str, chance: random.Random) -> str:
    """A character doubled, or two swapped: what a thumb does."""
    if len(text) < 5:
        return text
    at = chance.randrange(len(text) - 1)
    if chance.random() < 0.5:
        return text[:at] + text[at] + text[at:]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _polite(text: str, chance: random.Random) -> str:
    if chance.random() < 0.6:
        text = chance.choice(BEFORE) + text
    return text + chance.choice(AFTER) if chance.random() < 0.6 else text


def _traditional(text: str, chance: random.Random) -> str:
    # By its path: asked without one, zhconv leaves the file open.
    zhconv.loaddict(str(Path(zhconv.__file__).with_name("zhcdict.json")))
    return str(zhconv.convert(text, chance.choice(("zh-hant", "zh-tw", "zh-hk"))))


def _wide(text: str, _chance: random.Random) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _gaps(text: str, chance: random.Random) -> str:
    return "".join(c + (" " if chance.random() < 0.2 else "") for c in text)


def _pinyin(text: str, chance: random.Random) -> str:
    return chance.choice((" ", "")).join(lazy_pinyin(text))


DRESSES: tuple[tuple[float, Dress], ...] = (
    (0.35, _dialect),
    (0.25, _slip),
    (0.4, _polite),
    (0.2, _traditional),
    (0.1, _wide),
    (0.08, _gaps),
)
PINYIN_SHARE = 0.05
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Utterance:
    """What somebody wrote, and what they meant."""

    text: str
    kind: str
    means: frozenset[str]


def fill(template: str, chance: random.Random) -> str:
    return _SLOT.sub(lambda slot: chance.choice(SLOTS[slot[1]]), template)


def dressed(text: str, chance: random.Random) -> str:
    if text.startswith(("[", "👍", "🙏")):
        return text
    if chance.random() < PINYIN_SHARE and text.isalpha():
        return _pinyin(text, chance)
    for share, dress in DRESSES:
        if chance.random() < share:
            text = dress(text, chance)
    return text + chance.choice(MARKS)


def utterances(seed: int, count: int) -> Iterator[Utterance]:
    """`count` of them, each kind as often as the others."""
    chance = random.Random(seed)
    for at in range(count):
        one = KINDS[at % len(KINDS)]
        text = dressed(fill(chance.choice(one.templates), chance), chance)
        yield Utterance(text, one.name, one.means)


def unseen(seed: int, count: int) -> Iterator[Utterance]:
    """The same of what the table was never held against."""
    chance = random.Random(seed)
    every = [(means, text) for means, texts in UNSEEN.items() for text in texts]
    for at in range(count):
        means, text = every[at % len(every)]
        yield Utterance(dressed(text, chance), f"unseen {means}", frozenset(means.split()))


def english(seed: int) -> Iterator[Utterance]:
    """Every English question, as typed by thumbs."""
    chance = random.Random(seed)
    for means, asked in ENGLISH.items():
        for text in asked:
            shape = chance.choice((str.lower, str.upper, str))
            yield Utterance(
                chance.choice(("", "Hi, ", "Excuse me, ")) + shape(text), f"English {means}", frozenset(means.split())
            )
