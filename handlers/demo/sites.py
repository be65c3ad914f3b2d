"""Where each department's node of the demo lives: its folder, its port, its account, and its settings file."""

import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from handlers.demo.county import DEPARTMENTS, Department
from ledger.node import NodeSettings
from ledger.records.claims import TEST_LOG

HOST = "127.0.0.1"
CROSSCHECK_SECONDS = 5
CHECKPOINT_SECONDS = 2
PASSPHRASE_BYTES = 24

_ALPHANUMERIC = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Account:
    """The department's official account, as WeChat's settings page would show it; made anew with every demo."""

    token: str = field(repr=False)
    encoding_aes_key: str = field(repr=False)
    app_id: str
    app_secret: str = field(repr=False)
    template_id: str


@dataclass(frozen=True, slots=True)
class Site:
    """One department's node, as the demo sets it up."""

    department: Department
    port: int
    folder: Path
    account: Account = field(repr=False)
    passphrase: str = field(repr=False)
    test: bool = False  # whether all that it says is marked as a test

    @property
    def name(self) -> str:
        """The department's name."""
        return self.department.name

    @property
    def url(self) -> str:
        """Where everyone reaches it."""
        return f"http://{HOST}:{self.port}"

    @property
    def env_file(self) -> Path:
        """Its settings, for `python app.py --env-file`."""
        return self.folder / "node.env"

    @property
    def log_file(self) -> Path:
        """Where its processes write their lines."""
        return self.folder.with_suffix(".log")

    @property
    def settings(self) -> NodeSettings:
        """What its ledger needs to know."""
        return NodeSettings(
            name=self.name,
            origin=f"{HOST}:{self.port}{TEST_LOG if self.test else '/log'}",
            public_url=self.url,
            database_url=f"sqlite:///{self.folder / 'node.db'}",
            key_file=self.folder / "node.age",
            crosscheck_seconds=CROSSCHECK_SECONDS,
            checkpoint_seconds=CHECKPOINT_SECONDS,
        )


def plan_sites(
    folder: Path, base_port: int, departments: Sequence[Department] = DEPARTMENTS, *, test: bool = False
) -> tuple[Site, ...]:
    """Lay out one node for each department, behind the sandbox's port."""
    return tuple(
        Site(department, base_port + place, folder / department.prefix, _new_account(), _new_passphrase(), test)
        for place, department in enumerate(departments, 1)
    )


def _new_account() -> Account:
    return Account(
        token=_random_text(32),
        encoding_aes_key=_random_text(42) + "A",  # the last character carries four bits of the 32 bytes: two are zero
        app_id=f"wx{secrets.token_hex(8)}",
        app_secret=secrets.token_hex(16),
        template_id=_random_text(43),
    )


def _new_passphrase() -> str:
    return secrets.token_urlsafe(PASSPHRASE_BYTES)


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


def write_settings(site: Site, sandbox_url: str) -> None:
    """Write the settings file, readable by its owner alone."""
    site.folder.mkdir(parents=True)
    site.env_file.touch(0o600)
    lines = [f"{name}={_quoted(value)}\n" for name, value in _settings(site, sandbox_url).items()]
    site.env_file.write_text("".join(lines), "utf-8")


def _quoted(value: str) -> str:
    """In single quotes, as dotenv reads them: a folder's name may hold anything."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _settings(site: Site, sandbox_url: str) -> Mapping[str, str]:
    """All of them, the empty ones too: what stands in the file wins over whatever the terminal has set."""
    settings, account, department = site.settings, site.account, site.department
    return {
        "ONETRIP_NODE_NAME": settings.name,
        "ONETRIP_PUBLIC_URL": settings.public_url,
        "ONETRIP_ORIGIN": settings.origin,
        "ONETRIP_DATABASE_URL": settings.database_url,
        "ONETRIP_KEY_FILE": str(settings.key_file),
        "ONETRIP_KEY_PASSPHRASE": site.passphrase,
        "ONETRIP_KEY_PASSPHRASE_FILE": "",
        "ONETRIP_CROSSCHECK_SECONDS": str(settings.crosscheck_seconds),
        "ONETRIP_CHECKPOINT_SECONDS": str(settings.checkpoint_seconds),
        "ONETRIP_REDIS_URL": "",
        "ONETRIP_CONTACT_WINDOW": department.window,
        "ONETRIP_CONTACT_HOURS": department.hours,
        "ONETRIP_CONTACT_PHONE": department.phone,
        "WECHAT_TOKEN": account.token,
        "WECHAT_ENCODING_AES_KEY": account.encoding_aes_key,
        "WECHAT_APP_ID": account.app_id,
        "WECHAT_APP_SECRET": account.app_secret,
        "WECHAT_ALLOW_PLAIN": "0",
        "WECHAT_API_BASE_URL": f"{sandbox_url}/",
        "WECHAT_NOTICE_TEMPLATE_ID": account.template_id,
        "WECHAT_NOTICE_FIELDS": "",
        "WECHAT_SUBSCRIBE_URL": f"{sandbox_url}/subscribe",
    }
