"""What happened in 青禾县 before today, as a table that a clerk can read.

Days are counted from the day the demo starts (0 is today); nothing in it lies in the future. Each row is one act of
one person, done through the same desk as every act after it, or a file that somebody took in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from handlers.demo.county import NEW_ACCOUNT


@dataclass(frozen=True, slots=True)
class Act:
    """One row: on which day, at what time, who did what, and in whose case."""

    day: int
    time: str
    who: str  # an officer, or a citizen who binds
    does: str  # an act that `telling` knows
    whose: str
    details: Mapping[str, str | int] = field(default_factory=dict)


FOUNDED = (-75, "09:00")  # the departments' nodes are made, know each other, and enrol their officers
MONTH_DAY = -10  # months of benefits are counted from the month of this day: 0 is that one, -1 the one before
EVERYBODY = "各部门"  # not one person: all nodes do it

ACTS = (
    # 孙丽 was granted a monthly benefit. The money of the first month arrived.
    Act(-70, "09:10", "林芳", "hand_in", "孙丽", {"matter": "最低生活保障"}),
    Act(-70, "09:25", "林芳", "accept", "孙丽"),
    Act(-70, "09:40", "孙丽", "bind", "孙丽"),
    Act(-41, "10:00", "林芳", "propose", "孙丽", {"yuan": 1_560, "month": -1}),
    Act(-40, "15:20", "高伟", "approve", "孙丽"),
    Act(-40, "16:00", EVERYBODY, "fetch", ""),
    Act(-39, "09:30", "吴倩", "order", "孙丽"),
    Act(-38, "10:10", "马骏", "release", "孙丽"),
    Act(-37, "16:45", "吴倩", "enter_bank_list", "", {"孙丽": "credited"}),
    # 王桂兰: everything went well; only her own word is open. She and 周大山 asked in the county's hall, which has an
    # approval system of its own: 林芳 takes in what that exports. 周大山's case came with the file of the next day.
    Act(-24, "09:35", "林芳", "import_cases", "", {"王桂兰": "临时救助, received -24, accepted -24"}),
    Act(-24, "09:50", "王桂兰", "bind", "王桂兰"),
    Act(-22, "14:20", "林芳", "import_cases", "", {"周大山": "临时救助, received -23, accepted -22"}),
    Act(-22, "14:30", "周大山", "bind", "周大山"),
    Act(
        -16,
        "11:00",
        "林芳",
        "import_cases",
        "",
        {
            "王桂兰": "临时救助, received -24, accepted -24, decided -16, yuan 20000",
            "周大山": "临时救助, received -23, accepted -22, decided -16, yuan 3000",
        },
    ),
    Act(-12, "10:10", "高伟", "approve", "王桂兰"),
    Act(-12, "10:30", "高伟", "approve", "周大山"),
    # 孙丽's next month.
    Act(-11, "09:30", "林芳", "propose", "孙丽", {"yuan": 1_560, "month": 0}),
    Act(-10, "15:10", "高伟", "approve", "孙丽"),
    Act(-10, "16:00", EVERYBODY, "fetch", ""),
    Act(-10, "16:20", "吴倩", "order", "王桂兰"),
    Act(-9, "09:05", "马骏", "release", "王桂兰"),
    Act(-9, "09:30", "吴倩", "order", "孙丽"),
    Act(-9, "09:50", "马骏", "release", "孙丽"),
    # 周大山: somebody works round the desk. The record is valid by itself; that it is too small the departments find.
    Act(-9, "10:00", "吴倩", "order_round_the_desk", "周大山", {"yuan": 300}),
    Act(-9, "10:20", "马骏", "release_round_the_desk", "周大山"),
    # The bank's list came back: one line each. Of 周大山's money only an officer says that it was paid.
    Act(-8, "16:30", "吴倩", "enter_bank_list", "", {"王桂兰": "credited", "孙丽": "rejected AC04"}),
    Act(-8, "16:40", "吴倩", "report_paid", "周大山"),
    Act(-7, "09:00", EVERYBODY, "fetch", ""),
    # 陈志强: a paper has run out.
    Act(-5, "10:30", "李敏", "hand_in", "陈志强", {"matter": "居住证"}),
    Act(-4, "09:15", "李敏", "ask_for_correction", "陈志强", {"what": "租房合同（原来的已过期）", "last_day": 6}),
    # Yesterday.
    Act(-1, "09:30", "林芳", "hand_in", "何秀英", {"matter": "高龄津贴"}),
    Act(-1, "10:00", "林芳", "give_account_again", "孙丽", {"account": NEW_ACCOUNT}),
    Act(-1, "16:00", EVERYBODY, "fetch", ""),
)
