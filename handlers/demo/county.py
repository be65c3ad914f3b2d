"""青禾县: its departments, its officers and its people, all invented. Who they are to each other says the catalogue.

Numbers of phones, cards and IDs have the right form and check digits, and belong to ranges that nobody is given: no
phone begins with 160, no card with 629999, no district has the code 330199.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Department:
    """A department with a node of its own."""

    name: str
    prefix: str  # its numbers begin with it
    window: str
    hours: str
    phone: str


@dataclass(frozen=True, slots=True)
class Officer:
    """A member of staff."""

    name: str
    openid: str
    node: str
    roles: tuple[str, ...]
    id_number: str


@dataclass(frozen=True, slots=True)
class Citizen:
    """A person of the county."""

    name: str
    openid: str
    node: str  # where they ask
    id_number: str
    phone: str
    account: str
    reference: str  # what the approval system of the office calls their case


DEPARTMENTS = (
    Department("民政局", "21", "柳树镇便民服务中心2号窗口", "工作日 9:00-12:00，13:30-17:00", "0571-00002101"),
    Department("财政局", "22", "青禾县财政局1楼大厅", "工作日 9:00-12:00，13:30-17:00", "0571-00002201"),
    Department("公安局", "23", "柳树镇便民服务中心5号窗口", "工作日 8:30-12:00，13:30-17:30", "0571-00002301"),
    Department("审计局", "24", "青禾县审计局信访室", "工作日 9:00-12:00，13:30-17:00", "0571-00002401"),
)

OFFICERS = (
    Officer("林芳", "o-linfang", "民政局", ("clerk",), "330199199003070026"),
    Officer("高伟", "o-gaowei", "民政局", ("approver",), "330199198205110036"),
    Officer("吴倩", "o-wuqian", "财政局", ("finance",), "330199198811230046"),
    Officer("马骏", "o-majun", "财政局", ("authoriser", "finance"), "330199197909150058"),
    Officer("李敏", "o-limin", "公安局", ("clerk",), "330199199112040061"),
    Officer("赵磊", "o-zhaolei", "公安局", ("approver",), "330199198407190070"),
    Officer("宋涛", "o-songtao", "审计局", ("auditor",), "330199197606280090"),
    # who speaks for a department when another one joins or leaves
    Officer("郑洁", "o-zhengjie", "民政局", ("admin",), "330199198005080004"),
    Officer("钱伟", "o-qianwei", "财政局", ("admin",), "330199197609150005"),
    Officer("孔亮", "o-kongliang", "公安局", ("admin",), "330199198311230007"),
    Officer("韩冰", "o-hanbing", "审计局", ("admin",), "330199197904020000"),
)

CITIZENS = (
    Citizen(
        "王桂兰", "c-wangguilan", "民政局", "330199195902140026", "16000000001", "6299990000000040836", "QHMZ-LSJZ-0117"
    ),
    Citizen(
        "陈志强",
        "c-chenzhiqiang",
        "公安局",
        "330199199206150018",
        "16000000002",
        "6299990000000042204",
        "QHGA-JZZ-0342",
    ),
    Citizen("孙丽", "c-sunli", "民政局", "330199198710090048", "16000000003", "6299990000000064471", "QHMZ-DB-0058"),
    Citizen(
        "周大山", "c-zhoudashan", "民政局", "330199195504030032", "16000000004", "6299990000000095517", "QHMZ-LSJZ-0121"
    ),
    Citizen(
        "何秀英", "c-hexiuying", "民政局", "330199194401200022", "16000000005", "6299990000000073308", "QHMZ-GL-0203"
    ),
)

NEW_ACCOUNT = "6299990000000069025"  # 孙丽's new card
