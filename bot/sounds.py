"""How characters sound: reads pinyin, and finds the word that was meant where a homophone was typed.

Most people in China type by sound, so most slips of theirs are another character of the same sound; and whoever has no
Chinese keyboard writes the sounds themselves. The characters of GB 2312's first level, 3,755 and all that people write
every day, stand there in the order of their pinyin: so where each syllable begins is all that has to be known.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache

LETTERS_MAX = 80  # of pinyin that is read as such
SLIP_CHARACTERS_MAX = 40  # in a longer text nobody looks for one wrong character
UNKNOWN = "○"  # a syllable that no word of ours has

_LAST = 0xD7F9  # of the first level
# The first character of each syllable.
_BEGINNINGS = (
    "a啊 ai埃 an鞍 ang肮 ao凹 ba芭 bai白 ban斑 bang邦 bao苞 bei杯 ben奔 beng崩 bi逼 bian鞭 biao标 bie鳖 bin彬 "
    "bing兵 bo玻 bu捕 ca擦 cai猜 can餐 cang苍 cao操 ce厕 ceng层 cha插 chai拆 chan搀 chang昌 chao超 che车 chen郴 "
    "cheng撑 chi吃 chong充 chou抽 chu初 chuai揣 chuan川 chuang疮 chui吹 chun春 chuo戳 ci疵 cong聪 cou凑 cu粗 "
    "cuan蹿 cui摧 cun村 cuo磋 da搭 dai呆 dan耽 dang当 dao刀 de德 deng蹬 di堤 dian颠 diao碉 die跌 ding丁 diu丢 "
    "dong东 dou兜 du督 duan端 dui堆 dun墩 duo掇 e蛾 en恩 er而 fa发 fan藩 fang坊 fei菲 fen芬 feng丰 fo佛 fou否 "
    "fu夫 ga噶 gai该 gan干 gang冈 gao篙 ge哥 gei给 gen根 geng耕 gong工 gou钩 gu辜 gua刮 guai乖 guan棺 guang光 "
    "gui瑰 gun辊 guo锅 ha哈 hai骸 han酣 hang夯 hao壕 he呵 hei嘿 hen痕 heng哼 hong轰 hou喉 hu呼 hua花 huai槐 "
    "huan欢 huang荒 hui灰 hun荤 huo豁 ji击 jia嘉 jian歼 jiang僵 jiao蕉 jie揭 jin巾 jing荆 jiong炯 jiu揪 ju鞠 "
    "juan捐 jue撅 jun均 ka喀 kai开 kan刊 kang康 kao考 ke坷 ken肯 keng坑 kong空 kou抠 ku枯 kua夸 kuai块 kuan宽 "
    "kuang匡 kui亏 kun坤 kuo括 la垃 lai莱 lan蓝 lang琅 lao捞 le勒 lei雷 leng棱 li厘 lia俩 lian联 liang粮 liao撩 "
    "lie列 lin琳 ling玲 liu溜 long龙 lou楼 lu芦 lv驴 luan峦 lve掠 lun抡 luo萝 ma妈 mai埋 man瞒 mang芒 mao猫 me么 "
    "mei玫 men门 meng萌 mi眯 mian棉 miao苗 mie蔑 min民 ming明 miu谬 mo摸 mou谋 mu拇 na拿 nai氖 nan南 nang囊 "
    "nao挠 ne呢 nei馁 nen嫩 neng能 ni妮 nian蔫 niang娘 niao鸟 nie捏 nin您 ning柠 niu牛 nong脓 nu奴 nv女 nuan暖 "
    "nve虐 nuo挪 o哦 ou欧 pa啪 pai拍 pan攀 pang乓 pao抛 pei呸 pen喷 peng砰 pi坯 pian篇 piao飘 pie撇 pin拼 ping乒 "
    "po坡 pu扑 qi期 qia掐 qian牵 qiang枪 qiao橇 qie切 qin钦 qing青 qiong琼 qiu秋 qu趋 quan圈 que缺 qun裙 ran然 "
    "rang瓤 rao饶 re惹 ren壬 reng扔 ri日 rong戎 rou揉 ru茹 ruan软 rui蕊 run闰 ruo若 sa撒 sai腮 san三 sang桑 "
    "sao搔 se瑟 sen森 seng僧 sha莎 shai筛 shan珊 shang墒 shao梢 she奢 shen砷 sheng声 shi师 shou收 shu蔬 shua刷 "
    "shuai摔 shuan栓 shuang霜 shui谁 shun吮 shuo说 si斯 song松 sou搜 su苏 suan酸 sui虽 sun孙 suo蓑 ta塌 tai胎 "
    "tan坍 tang汤 tao掏 te特 teng藤 ti梯 tian天 tiao挑 tie贴 ting厅 tong通 tou偷 tu凸 tuan湍 tui推 tun吞 tuo拖 "
    "wa挖 wai歪 wan豌 wang汪 wei威 wen瘟 weng嗡 wo挝 wu巫 xi昔 xia瞎 xian掀 xiang相 xiao萧 xie楔 xin薪 xing星 "
    "xiong兄 xiu休 xu墟 xuan轩 xue靴 xun勋 ya压 yan焉 yang殃 yao邀 ye椰 yi一 yin茵 ying英 yo哟 yong拥 you幽 yu迂 "
    "yuan鸳 yue曰 yun耘 za匝 zai栽 zan咱 zang赃 zao遭 ze责 zei贼 zen怎 zeng增 zha扎 zhai摘 zhan瞻 zhang樟 zhao招 "
    "zhe遮 zhen珍 zheng蒸 zhi芝 zhong中 zhou舟 zhu珠 zhua抓 zhuai拽 zhuan专 zhuang桩 zhui椎 zhun谆 zhuo捉 zi兹 "
    "zong鬃 zou邹 zu租 zuan钻 zui嘴 zun尊 zuo昨"
)
# What the standard's order cannot say: characters with two readings, by the one that people mean.
_READ_OTHERWISE = {
    "没": "mei",
    "还": "hai",
    "行": "hang",
    "长": "chang",
    "重": "chong",
    "了": "le",
    "着": "zhe",
    "什": "shen",
}
# What many do not tell apart: 平翘舌, 前后鼻音, n and l.
_ALIKE = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"))


def _code(character: str) -> int:
    try:
        return int.from_bytes(character.encode("gb2312"))
    except UnicodeEncodeError:
        return 0


@cache
def _syllables() -> tuple[list[int], list[str]]:
    pairs = [(_code(each[-1]), each[:-1]) for each in _BEGINNINGS.split()]
    return [code for code, _ in pairs], [syllable for _, syllable in pairs]


def sound(character: str) -> str:
    """The syllable of a character; "" for a rare one, and for what is none.

    >>> sound("钱"), sound("账"), sound("x")
    ('qian', 'zhang', '')
    """
    if character in _READ_OTHERWISE:
        return _READ_OTHERWISE[character]
    code = _code(character)
    beginnings, syllables = _syllables()
    if not beginnings[0] <= code <= _LAST:
        return ""
    return syllables[bisect_right(beginnings, code) - 1]


def _alike(syllable: str) -> str:
    for one, other in _ALIKE:
        syllable = syllable.replace(one, other)
    return "n" + syllable[1:] if syllable.startswith("l") else syllable


class Lexicon:
    """The words that are expected here, by their sounds."""

    def __init__(self, words: Iterable[str], characters: str = "", *, strict: bool = False) -> None:
        """Take whole words, and the characters that stand between them: each the meaning of its syllable alone.

        `strict`: only the very same sound is a homophone, for words that are looked for before anything is tried.
        """
        self._fold = str if strict else _alike
        self._words = frozenset(words)
        self._lengths = sorted({len(word) for word in self._words}, reverse=True)
        self._by_sound: dict[tuple[str, ...], str] = {}
        self._tokens: dict[str, tuple[str, float]] = dict.fromkeys(_syllables()[1], (UNKNOWN, 1.6))
        for character in characters:
            self._tokens[sound(character)] = (character, 1.0)
        for word in self._words:
            syllables = [sound(character) for character in word]
            self._by_sound[tuple(map(self._fold, syllables))] = word
            self._tokens["".join(syllables)] = (word, 0.9)
        self._letters_max = max(map(len, self._tokens))

    def from_pinyin(self, letters: str) -> str:
        """Chinese for a run of pinyin, in as few words as it can be read; "" when it is no pinyin.

        >>> Lexicon(["到账"], "钱了吗").from_pinyin("qiandaozhanglema")
        '钱到账了吗'
        """
        if len(letters) > LETTERS_MAX:
            return ""
        read: list[tuple[float, str] | None] = [(0.0, "")]
        for end in range(1, len(letters) + 1):
            read.append(min(self._readings(letters, end, read), default=None))
        return read[-1][1] if read[-1] is not None else ""

    def _readings(self, letters: str, end: int, read: list[tuple[float, str] | None]) -> Iterator[tuple[float, str]]:
        for start in range(max(0, end - self._letters_max), end):
            before, token = read[start], self._tokens.get(letters[start:end])
            if before is not None and token is not None:
                yield before[0] + token[1], before[1] + token[0]

    def by_sound(self, text: str) -> str:
        """The same text, with each homophone of a word of ours put right.

        >>> Lexicon(["补贴", "到账"], "").by_sound("布帖道帐没")
        '补贴到账没'
        """
        sounds = [self._fold(sound(character)) or character for character in text]
        out: list[str] = []
        at = 0
        while at < len(text):
            word = self._word_at(sounds, at)
            out.append(word or text[at])
            at += len(word) or 1
        return "".join(out)

    def _word_at(self, sounds: list[str], at: int) -> str:
        for length in self._lengths:
            word = self._by_sound.get(tuple(sounds[at : at + length]))
            if word is not None:
                return word
        return ""

    def without_slip(self, text: str) -> str:
        """The same text without one character too many, or with two of them swapped back, if words of ours appear."""
        if len(text) > SLIP_CHARACTERS_MAX:
            return text
        best, best_known = text, self._known(text)
        for at in range(len(text) - 1):
            swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
            for tried in (swapped, text[:at] + text[at + 1 :]):
                known = self._known(tried)
                if known > best_known:
                    best, best_known = tried, known
        return best

    def _known(self, text: str) -> int:
        """How many characters of the text stand in words of ours."""
        at = known = 0
        while at < len(text):
            length = next((n for n in self._lengths if text[at : at + n] in self._words), 0)
            known += length
            at += length or 1
        return known
