"""Every way the bot can refuse or fail, in one tree. Messages here go to the log, never to a person."""


class BotError(Exception):
    """Whatever the bot refuses or cannot do."""


class BadSetting(BotError):
    """A setting is missing or malformed; `setting` names the field, `mend` says how to put it right."""

    def __init__(self, setting: str, mend: str) -> None:
        super().__init__(f"{setting}: {mend}")
        self.setting = setting
        self.mend = mend


class DeliveryRefused(BotError):
    """What reached the webhook is not a delivery that WeChat made for us now. `reason` is a slug, without content."""

    reason = "refused"

    def __init__(self, detail: str) -> None:
        super().__init__(f"{self.reason}: {detail}")


class BadSignature(DeliveryRefused):
    """Whoever sent it does not know the token."""

    reason = "signature"


class StaleDelivery(DeliveryRefused):
    """It was made too long ago, or in the future."""

    reason = "stale"


class ForeignAppId(DeliveryRefused):
    """It was sealed for another account."""

    reason = "app_id"


class PlainRefused(DeliveryRefused):
    """It is not sealed, and this node takes only sealed ones."""

    reason = "plain"


class MalformedDelivery(DeliveryRefused):
    """It breaks WeChat's format."""

    reason = "malformed"


class OversizedDelivery(DeliveryRefused):
    """It is longer than any message can be."""

    reason = "oversized"


class Busy(BotError):
    """The database, or another message of the same person, did not let us begin in time: nothing was done."""


class DatabaseBusy(BotError):
    """The database is locked, full or gone: what was begun has not been done."""


class Overtaken(BotError):
    """Another message of the person, or a repeat of this one, was answered meanwhile: our own answer does not count."""


class AnswerNotStored(BotError):
    """A handler answered, but the answer could not be stored: only a repeat of the delivery can tell what holds."""


class NotSent(BotError):
    """WeChat refused an API call. `code` is its errcode."""

    def __init__(self, code: int, endpoint: str) -> None:
        super().__init__(f"{endpoint}: errcode {code}")
        self.code = code


class ApiUnreachable(BotError):
    """WeChat's API did not answer, or not in its own format; the call may or may not have had its effect."""
