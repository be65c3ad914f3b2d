"""The settings of a node: read once, checked once, and named one by one when they are wrong.

`app.py` hands in the environment; nothing else reads it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ledger.peers.addresses import Network, parse_networks
from ledger.peers.client import is_loopback

TENCENT_API = "https://api.weixin.qq.com/"
ORIGIN_BYTES_MAX = 240  # a cosigner's name, 255 at most, is made from it
SECONDS_MAX = 86_400
ENV_FILE = "ONETRIP_ENV_FILE"  # where the settings came from, if from a file

_PASSPHRASE_FILE = "ONETRIP_KEY_PASSPHRASE_FILE"  # noqa: S105  the name of a setting
PASSPHRASE_CHARACTERS_MIN = 8


class SettingWrong(Exception):
    """A setting is missing or malformed; the message names it and says how to mend it, and never shows its value."""

    def __init__(self, name: str, mend: str) -> None:
        """Say which, and how to mend it."""
        super().__init__(f"{name}: {mend}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Contact:
    """Where a person finds a person."""

    window: str
    hours: str
    phone: str


@dataclass(frozen=True, slots=True)
class WeChat:
    """The official account of this department."""

    token: str = field(repr=False)
    encoding_aes_key: str = field(repr=False)
    app_id: str
    app_secret: str = field(repr=False)
    allow_plain: bool
    api_base_url: str
    template_id: str
    notice_fields: tuple[tuple[str, str], ...]  # of that template, and what each says
    subscribe_url: str  # where people tap for it: an article or page with WeChat's subscribe button


@dataclass(frozen=True, slots=True)
class Settings:
    """One department's node, as its administrator set it."""

    node_name: str
    public_url: str
    origin: str
    database_url: str = field(repr=False)  # it may carry a password
    key_file: Path
    passphrase: str | None = field(repr=False)
    passphrase_source: str  # the setting that it came from
    secret_files: tuple[Path, ...]  # what else than the key file holds secrets: nobody else may read it
    crosscheck_seconds: int
    checkpoint_seconds: int
    peer_networks: tuple[Network, ...]  # of private addresses, in which other departments may be
    redis_url: str | None = field(repr=False)
    contact: Contact
    wechat: WeChat | None  # None: a node without an account, asked only by other nodes

    def require_passphrase(self) -> str:
        """The passphrase of the key file; raises SettingWrong when there is none."""
        if self.passphrase is None:
            raise SettingWrong(
                "ONETRIP_KEY_PASSPHRASE", "is not set; set it, or ONETRIP_KEY_PASSPHRASE_FILE to a file that holds it"
            )
        return self.passphrase


def read_settings(env: Mapping[str, str]) -> Settings:
    """Read and check all settings; raises SettingWrong for the first that is missing or malformed."""
    public_url = _public_url(env)
    return Settings(
        node_name=_text(env, "ONETRIP_NODE_NAME", "the department's name, e.g. 民政局"),
        public_url=public_url,
        origin=_origin(env, public_url),
        database_url=_database_url(env),
        key_file=Path(env.get("ONETRIP_KEY_FILE") or "instance/node.age"),
        passphrase=_passphrase(env),
        passphrase_source=_PASSPHRASE_FILE if env.get(_PASSPHRASE_FILE) else "ONETRIP_KEY_PASSPHRASE",
        secret_files=tuple(Path(env[name]) for name in (_PASSPHRASE_FILE, ENV_FILE) if env.get(name)),
        crosscheck_seconds=_seconds(env, "ONETRIP_CROSSCHECK_SECONDS", 60),
        checkpoint_seconds=_seconds(env, "ONETRIP_CHECKPOINT_SECONDS", 5),
        peer_networks=_peer_networks(env),
        redis_url=_optional_url(env, "ONETRIP_REDIS_URL", ("redis", "rediss", "unix")),
        contact=Contact(
            env.get("ONETRIP_CONTACT_WINDOW", ""),
            env.get("ONETRIP_CONTACT_HOURS", ""),
            env.get("ONETRIP_CONTACT_PHONE", ""),
        ),
        wechat=_wechat(env),
    )


def _text(env: Mapping[str, str], name: str, what: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise SettingWrong(name, f"is not set; it is {what}")
    return value


def _public_url(env: Mapping[str, str]) -> str:
    url = _text(
        env, "ONETRIP_PUBLIC_URL", "the address others reach this node at, e.g. https://minzheng.example.gov.cn"
    )
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise SettingWrong("ONETRIP_PUBLIC_URL", "is no web address; write it like https://minzheng.example.gov.cn")
    return url.rstrip("/")


def _origin(env: Mapping[str, str], public_url: str) -> str:
    origin = env.get("ONETRIP_ORIGIN") or public_url.split("://", 1)[1] + "/log"
    if not re.fullmatch(r"[!-*,-~]+", origin) or len(origin) > ORIGIN_BYTES_MAX:
        raise SettingWrong("ONETRIP_ORIGIN", "may have no space and no plus sign; leave it out to use the public URL")
    return origin


def _database_url(env: Mapping[str, str]) -> str:
    url = env.get("ONETRIP_DATABASE_URL") or "sqlite:///instance/node.db"
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError:
        backend = ""
    if backend not in {"sqlite", "postgresql"}:
        raise SettingWrong(
            "ONETRIP_DATABASE_URL", "is neither sqlite:///path nor postgresql+psycopg://user:password@host/name"
        )
    return url


def _seconds(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > SECONDS_MAX:
        raise SettingWrong(name, f"is not a number of seconds from 1 to {SECONDS_MAX}; leave it out for {default}")
    return int(text)


def _peer_networks(env: Mapping[str, str]) -> tuple[Network, ...]:
    try:
        return parse_networks(env.get("ONETRIP_PEER_NETWORKS", ""))
    except ValueError as error:
        mend = "is no list of private networks like 10.20.0.0/16,10.30.0.0/16; leave it out if all are on the internet"
        raise SettingWrong("ONETRIP_PEER_NETWORKS", mend) from error


def _optional_url(env: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> str | None:
    url = env.get(name, "")
    if url and urlsplit(url).scheme not in schemes:
        raise SettingWrong(name, f"does not begin with {schemes[0]}://; leave it out if there is none")
    return url or None


def _passphrase(env: Mapping[str, str]) -> str | None:
    file = env.get(_PASSPHRASE_FILE)
    if file:
        try:
            passphrase = Path(file).read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingWrong(_PASSPHRASE_FILE, "names a file that cannot be read") from error
    else:
        passphrase = env.get("ONETRIP_KEY_PASSPHRASE", "")
    if passphrase and len(passphrase) < PASSPHRASE_CHARACTERS_MIN:
        raise SettingWrong("ONETRIP_KEY_PASSPHRASE", f"is shorter than {PASSPHRASE_CHARACTERS_MIN} characters")
    return passphrase or None


_ACCOUNT = ("WECHAT_TOKEN", "WECHAT_ENCODING_AES_KEY", "WECHAT_APP_ID", "WECHAT_APP_SECRET")
# The fields of the template as the account's page shows them, and which of title, what, day, number each says.
NOTICE_FIELDS = "thing1=title,thing2=what,date3=day,character_string4=number"
_FIELD = r"(?:thing|phrase|character_string|date|time|name|const)[0-9]{1,3}=(?:title|what|day|number)"
_IS_LAYOUT: Callable[[str], object] = re.compile(rf"{_FIELD}(?:,{_FIELD}){{0,9}}").fullmatch

_IS_AES_KEY: Callable[[str], object] = re.compile(r"[A-Za-z0-9+/]{43}").fullmatch
_IS_TOKEN: Callable[[str], object] = re.compile(r"[A-Za-z0-9]{3,32}").fullmatch
_IS_APP_ID: Callable[[str], object] = re.compile(r"[A-Za-z0-9_-]{3,64}").fullmatch
_IS_APP_SECRET: Callable[[str], object] = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch


def _wechat(env: Mapping[str, str]) -> WeChat | None:
    if not any(env.get(name) for name in _ACCOUNT):
        return None
    token = _text(env, "WECHAT_TOKEN", "the token of the account's server settings")
    key = _text(env, "WECHAT_ENCODING_AES_KEY", "the 43 characters of EncodingAESKey in the account's server settings")
    app_id = _text(env, "WECHAT_APP_ID", "the account's AppID")
    app_secret = _text(env, "WECHAT_APP_SECRET", "the account's AppSecret")
    if not _IS_TOKEN(token):
        raise SettingWrong("WECHAT_TOKEN", "is not 3 to 32 letters and digits, as WeChat asks")
    if not _IS_AES_KEY(key):
        raise SettingWrong("WECHAT_ENCODING_AES_KEY", "is not 43 letters and digits; copy it again from the account")
    if not _IS_APP_ID(app_id):
        raise SettingWrong("WECHAT_APP_ID", "is not an AppID; copy it again from the account")
    if not _IS_APP_SECRET(app_secret):
        raise SettingWrong("WECHAT_APP_SECRET", "is not an AppSecret; copy it again from the account")
    allow_plain = env.get("WECHAT_ALLOW_PLAIN") or "0"
    if allow_plain not in {"0", "1"}:
        raise SettingWrong("WECHAT_ALLOW_PLAIN", "is neither 0 nor 1; leave it out for 0")
    return WeChat(
        token,
        key,
        app_id,
        app_secret,
        allow_plain == "1",
        _api_base_url(env),
        env.get("WECHAT_NOTICE_TEMPLATE_ID", ""),
        _notice_fields(env),
        _optional_url(env, "WECHAT_SUBSCRIBE_URL", ("https", "http")) or "",
    )


def _api_base_url(env: Mapping[str, str]) -> str:
    url = _optional_url(env, "WECHAT_API_BASE_URL", ("https", "http")) or TENCENT_API
    if urlsplit(url).scheme == "http" and not is_loopback(url):
        # The AppSecret goes there.
        raise SettingWrong("WECHAT_API_BASE_URL", "is plain http to another machine; leave it out for Tencent's own")
    return url.rstrip("/") + "/"


def _notice_fields(env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    text = env.get("WECHAT_NOTICE_FIELDS") or NOTICE_FIELDS
    if not _IS_LAYOUT(text):
        raise SettingWrong("WECHAT_NOTICE_FIELDS", f"is not like {NOTICE_FIELDS}; leave it out for just that")
    pairs = [pair.partition("=") for pair in text.split(",")]
    return tuple((field, source) for field, _, source in pairs)
