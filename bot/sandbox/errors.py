"""Every way the sandbox can refuse, in one tree."""


class SandboxError(Exception):
    """Anything the sandbox refuses on purpose."""


class ConfigRefused(SandboxError):
    """The configuration cannot be used; the message names the field and how to mend it."""


class PostRefused(SandboxError):
    """What a client asked of a phone cannot be done; `detail` says how to mend it."""

    def __init__(self, detail: str, status: int = 400) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status


class AnswerMalformed(SandboxError):
    """An account answered a delivery with something WeChat cannot show."""


class AnswerTooLong(AnswerMalformed):
    """An account's answer does not end where any sealed answer would have."""

    def __init__(self, bytes_max: int) -> None:
        super().__init__(f"the answer has more than {bytes_max} bytes")


class ApiRefused(SandboxError):
    """An API call that Tencent would refuse, with its own return code."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(f"{errcode} {errmsg}")
        self.errcode = errcode
        self.errmsg = errmsg
