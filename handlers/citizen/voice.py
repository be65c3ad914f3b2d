"""How one answer is put into words: in whose language, on which day, by which department."""

from dataclasses import dataclass
from datetime import date

from bot.replies import plain
from bot.routing import Request
from handlers import deadlines
from handlers.deadlines import Deadline
from handlers.dialogue import Choice
from handlers.locale import Own, Words, formats, words_in
from handlers.matters import WORKING_DAYS, Matter, Programme
from handlers.services import Known, Services
from ledger.records import base64url
from ledger.records.check_code import check_code


@dataclass(frozen=True, slots=True)
class Voice:
    """The words and the calendar of one answer."""

    say: Words
    now: int  # seconds since 1970
    today: date  # in China
    services: Known

    def day(self, at: int) -> Own:
        """The day of a moment."""
        return self.date(formats.day_of(at))

    def date(self, value: date) -> Own:
        """A day."""
        return Own(formats.day(self.say.language, value, self.today))

    def iso(self, value: str) -> Own:
        """A day written YYYY-MM-DD."""
        return self.date(date.fromisoformat(value))

    def clock(self, at: int) -> Own:
        """The time of day of a moment."""
        return Own(formats.clock(at))

    def moment(self, at: int) -> Own:
        """The day and the time of day of a moment."""
        return self.say("moment", day=self.day(at), time=self.clock(at))

    def money(self, fen: int) -> Own:
        """An amount."""
        return Own(formats.money(self.say.language, fen))

    def deadline(self, start: int, days: int, unit: str = WORKING_DAYS) -> Deadline:
        """The last day when so many days are given from a moment on."""
        return deadlines.after(formats.day_of(start), days, unit)

    def by(self, deadline: Deadline) -> Own:
        """A last day, with a note when the holidays on the way to it are not published."""
        note = "" if deadline.unpublished is None else self.say("by.unpublished", year=deadline.unpublished)
        return Own(self.date(deadline.day) + note)

    def is_late(self, deadline: Deadline) -> bool:
        """Whether its last day has gone by."""
        return self.today > deadline.day

    def office(self, department: str, matter: Matter | None) -> Own:
        """A department as people here call it: 县民政局."""
        key = f"level.{matter.level}" if matter else ""
        return Own((self.say(key) if self.say.has(key) else "") + self.name(department))

    def name(self, department: str) -> Own:
        """A department's name, which another department chose for itself."""
        return Own(plain(department))

    def area(self) -> Own:
        """The county, when all its matters agree on it."""
        areas = {matter.area for matter in self.services.matters.values()}
        return Own(plain(areas.pop())) if len(areas) == 1 else Own()

    def departments(self, names: tuple[str, ...]) -> Own:
        """Several departments in one breath."""
        return Own(self.say("and").join(self.name(name) for name in names))

    def matter(self, code: str) -> Own:
        """What a matter is called."""
        known = self.services.matters.get(code)
        return Own(plain(known.name if known else code))

    def what(self, programme_code: str, period: str | None) -> Own:
        """What people call a sum of money: 救助金, 11月低保金."""
        programme = self.services.programmes.get(programme_code)
        money = Own(plain(programme.money if programme else programme_code))
        if period is None:
            return money
        return self.say("money.monthly", month=formats.month(self.say.language, period, self.today), money=money)

    def programme(self, code: str) -> Programme | None:
        """The policy behind a sum, when this node knows it."""
        return self.services.programmes.get(code)

    def place(self, matter: Matter | None) -> Own:
        """Where papers are brought."""
        here = matter.place if matter else self.services.contact.window
        return Own(plain(here)) if here else self.say("window")

    def choice(self, label: str, says: str) -> Choice:
        """A way on, called by a key of the catalogue."""
        return Choice(self.say(label), says)


def voice(request: Request, services: Services) -> Voice:
    """The voice of an answer to this message."""
    local = request.now.astimezone(formats.CHINA)
    return Voice(services.words(request), int(request.now.timestamp()), local.date(), services)


def voice_for(language: str, services: Known) -> Voice:
    """The voice of a message that nobody asked for."""
    now = services.node.now()
    return Voice(words_in(language), now, formats.day_of(now), services)


def record_name(record_id: str) -> Own:
    """A record's name short enough to read out: its check code."""
    return Own(check_code(base64url.decode(record_id)))
