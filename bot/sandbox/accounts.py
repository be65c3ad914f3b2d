"""The official accounts that take part: what each department typed into WeChat's settings page."""

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from bot.sandbox.errors import ConfigRefused
from bot.sandbox.reading import Reader, Said

AES_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Account:
    """One official account."""

    name: str  # exactly the node's name
    url: str  # the node's base; deliveries go to `<url>/wechat`
    token: str = field(repr=False)
    encoding_aes_key: str = field(repr=False)  # 43 characters of base64
    app_id: str
    app_secret: str = field(repr=False)
    template_id: str = ""  # the one subscription notice it may send; empty: any
    label: Said = field(default_factory=Said)  # what the page calls it; empty: its name

    def __post_init__(self) -> None:
        for required in ("name", "token", "app_id", "app_secret"):
            if not getattr(self, required):
                raise ConfigRefused(f"accounts: {required!r} is empty; give it the value the node was started with")
        if urlsplit(self.url).scheme not in {"http", "https"} or not urlsplit(self.url).hostname:
            raise ConfigRefused(f"accounts: url {self.url!r} must look like http://127.0.0.1:8001")
        _decoded_key(self.encoding_aes_key)

    @classmethod
    def read(cls, given: Reader) -> "Account":
        """Read one from the configuration."""
        names = ("name", "url", "token", "encoding_aes_key", "app_id", "app_secret")
        needed = {name: given.text(name) for name in names}
        return cls(**needed, template_id=given.text("template_id", ""), label=given.said("label", needed["name"]))

    @property
    def key(self) -> bytes:
        """The AES-256 key that EncodingAESKey spells."""
        return _decoded_key(self.encoding_aes_key)

    @property
    def original_id(self) -> str:
        """The account's `gh_…` id, which stands in ToUserName."""
        return "gh_" + hashlib.sha256(self.app_id.encode()).hexdigest()[:12]

    @property
    def webhook(self) -> str:
        """Where deliveries go."""
        return self.url.rstrip("/") + "/wechat"


def _decoded_key(encoding_aes_key: str) -> bytes:
    try:
        key = base64.b64decode(encoding_aes_key + "=", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigRefused("accounts: 'encoding_aes_key' is not base64") from error
    if len(key) != AES_KEY_BYTES:
        raise ConfigRefused("accounts: 'encoding_aes_key' must be 43 characters of base64 (32 bytes)")
    return key
