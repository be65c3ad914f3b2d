"""Reads the settings, builds the node, wires the parts, and hands the jobs to the scheduler. Nothing imports it.

`python app.py --help` lists the commands; `flask --app app …` has the same ones.
"""

import logging
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click
from dotenv import dotenv_values
from flask import Flask
from sqlalchemy import Engine

from bot.bot import Bot, BotConfig
from bot.errors import ApiUnreachable, NotSent
from bot.inbox import Inbox
from bot.outbox import Outbox, Subscription
from bot.routing import Router
from bot.storage import open_engine as open_bot_engine
from bot.webhook import create_blueprint as create_webhook
from bot.wechat_api import TokenShelf, WeChatApi
from handlers import MENU, ROUTES, console, demo
from handlers.citizen import help as helping
from handlers.citizen import notices
from handlers.citizen.notice_fields import fill
from handlers.console.context import Console
from handlers.console.doctor import examine_running
from handlers.console.server import serve
from handlers.imports.layouts import load_banks, load_systems
from handlers.locale import DEFAULT, words_in
from handlers.matters import load_matters, load_programmes
from handlers.pages import create_blueprint as create_pages
from handlers.pages import create_public
from handlers.prefixes import Prefixes
from handlers.services import Public, Services
from handlers.settings import ENV_FILE, Settings, SettingWrong, WeChat, read_settings
from handlers.staff import door
from ledger.audit.crosscheck import run_round
from ledger.guarded import guard
from ledger.keyring import KeyFile
from ledger.node import Node, NodeSettings
from ledger.peers.introduced import follow_wanted
from ledger.peers.outside import offer_outside
from ledger.peers.publish import publish_round
from ledger.records.claims import is_test
from ledger.resuming import resume
from ledger.routes import create_blueprint as create_doors
from ledger.schedule import Job, run

HERE = Path(__file__).parent
PRUNE_SECONDS = 3_600
NOTICE_SECONDS = 2
RECOVER_SECONDS = 5  # a node that has lost nothing only looks at its mark
MENU_SECONDS = 3_600  # putting it up again changes nothing, and the first try may meet a WeChat that does not answer
DEMO_PORT = 8000
TRIAL_PORT = 8100  # a real node may be at 8000
TRIAL = HERE / "instance" / "trial"

log = logging.getLogger(__name__)


def now() -> int:
    """Seconds since 1970, UTC: the one clock of the process."""
    return int(time.time())


def environment() -> Mapping[str, str]:
    """The environment, below what the env file says: `--env-file`, or `.env` in development."""
    named = os.environ.get(ENV_FILE)
    file = Path(named) if named else Path(".env")
    if named and not file.is_file():
        raise SettingWrong("--env-file", f"there is no file {file}")
    whence = {ENV_FILE: str(file)} if file.is_file() else {}
    return {**os.environ, **whence, **{name: value for name, value in dotenv_values(file).items() if value is not None}}


def settings() -> Settings:
    """This node's settings; raises SettingWrong."""
    return read_settings(environment())


def settings_with(name: str, public_url: str) -> Settings:
    """The settings of a node that is about to be made."""
    return read_settings({**environment(), "ONETRIP_NODE_NAME": name, "ONETRIP_PUBLIC_URL": public_url})


def node_settings(chosen: Settings) -> NodeSettings:
    """What the ledger needs to know of them."""
    return NodeSettings(
        name=chosen.node_name,
        origin=chosen.origin,
        public_url=chosen.public_url,
        database_url=chosen.database_url,
        key_file=chosen.key_file,
        crosscheck_seconds=chosen.crosscheck_seconds,
        checkpoint_seconds=chosen.checkpoint_seconds,
        peer_networks=chosen.peer_networks,
    )


def open_node(chosen: Settings) -> Node:
    """This department's node, with its keys; it notices by itself when they are rotated."""
    return Node.open(node_settings(chosen), KeyFile(chosen.key_file, chosen.require_passphrase()), now)


def start_node(chosen: Settings) -> Node:
    """The same for a process that goes on to work with it: a lost high-water mark is begun anew, and waits."""
    node = open_node(chosen)
    guard(chosen.key_file)
    return node


def wechat_api(wechat: WeChat, engine: Engine) -> WeChatApi:
    """WeChat's own API, as this account."""
    return WeChatApi(
        wechat.app_id, wechat.app_secret, TokenShelf(engine, wechat.app_id, time.time), wechat.api_base_url
    )


def make_services(chosen: Settings, wechat: WeChat, node: Node, engine: Engine) -> Services:
    """What handlers may use; `engine` is the bot's own way into the same database."""
    # The outbox fills the template by what handlers know, and handlers write into the outbox.
    subscription = Subscription(wechat.template_id, lambda notice: fill(notice, wechat.notice_fields, services))
    api = wechat_api(wechat, engine)
    mark = "\n" + words_in(DEFAULT)("test.mark") if is_test(node.origin) else ""
    services = Services(
        node=node,
        outbox=Outbox(engine, api, time.time, subscription if wechat.template_id else None, mark),
        contact=chosen.contact,
        matters=load_matters(HERE / "matters"),
        programmes=load_programmes(HERE / "programmes"),
        qr=api.create_qr,
        examine=lambda: tuple(examine_running(chosen, check_matters, node)),
        subscribe_url=wechat.subscribe_url if wechat.template_id else "",
    )
    return services


def check_matters() -> None:
    """Read all that office staff may have changed; raises MatterWrong."""
    load_matters(HERE / "matters")
    load_programmes(HERE / "programmes")
    load_systems(HERE / "systems")
    load_banks(HERE / "banks")


def bot_config(wechat: WeChat) -> BotConfig:
    """The account's settings, as the bot takes them."""
    return BotConfig(
        app_id=wechat.app_id,
        token=wechat.token,
        encoding_aes_key=wechat.encoding_aes_key,
        app_secret=wechat.app_secret,
        allow_plain=wechat.allow_plain,
        api_base_url=wechat.api_base_url,
        template_id=wechat.template_id,
    )


def build(chosen: Settings) -> Flask:
    """The web side of a node: WeChat's webhook, and the doors for everyone who checks us."""
    node = start_node(chosen)
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(create_doors(node))
    app.extensions["engines"] = [node.engine]
    if chosen.wechat is None:
        shown = Public(node, chosen.contact, load_matters(HERE / "matters"), load_programmes(HERE / "programmes"))
        app.register_blueprint(create_public(shown))
    else:
        engine = open_bot_engine(chosen.database_url)
        app.extensions["engines"].append(engine)
        services = make_services(chosen, chosen.wechat, node, engine)
        bot = Bot(
            bot_config(chosen.wechat),
            Router(ROUTES, services, Prefixes(node, now).is_number),
            engine,
            busy=door.busy,
            failed=helping.failed,
            heads=helping.heads,
        )
        app.register_blueprint(create_webhook(bot))
        app.register_blueprint(create_pages(services))
    return app


def create_app() -> Flask:
    """The application for a WSGI server; under `flask --app app …` only its commands, which open what they need."""
    _log_to_stderr()
    asked_for_commands = os.environ.get("FLASK_RUN_FROM_CLI") == "true" and "run" not in sys.argv
    app = Flask(__name__, static_folder=None) if asked_for_commands else build(settings())
    for command in console.commands(wiring()):
        app.cli.add_command(command)
    return app


def jobs(chosen: Settings, node: Node) -> list[Job]:
    """Everything that happens by itself, and how often."""
    work = [
        Job("recover", RECOVER_SECONDS, lambda: resume(node)),
        Job("publish", chosen.checkpoint_seconds, lambda: publish_round(node)),
        Job("crosscheck", chosen.crosscheck_seconds, lambda: run_round(node, patient=False)),
        Job("outside", chosen.checkpoint_seconds, lambda: offer_outside(node)),
        Job("follow", chosen.crosscheck_seconds, lambda: follow_wanted(node)),
        Job("forget", PRUNE_SECONDS, node.desk.forget_tries),
    ]
    if chosen.wechat is None:
        return work
    wechat, engine = chosen.wechat, open_bot_engine(chosen.database_url)
    services = make_services(chosen, wechat, node, engine)

    def notify() -> None:
        notices.tick(services)
        services.outbox.send_due()

    def prune_bot() -> None:
        services.outbox.prune()
        Inbox(engine, time.time).prune()

    def show_menu() -> None:
        try:
            wechat_api(wechat, engine).create_menu(MENU)
        except (NotSent, ApiUnreachable) as error:
            log.warning("the menu is not up yet: %s", error)

    return [
        *work,
        Job("notify", NOTICE_SECONDS, notify),
        Job("prune-bot", PRUNE_SECONDS, prune_bot),
        Job("menu", MENU_SECONDS, show_menu),
    ]


def schedule() -> None:
    """Run the jobs until interrupted, as soon as this process holds the lease."""
    _log_to_stderr()
    chosen = settings()
    node = start_node(chosen)
    run(jobs(chosen, node), node)


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("alembic", "apscheduler", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def base_port(usual: int) -> int:
    """The first port of a network on this machine, which PORT=… moves; raises SettingWrong."""
    port = os.environ.get("PORT") or str(usual)
    if not (port.isascii() and port.isdecimal()):
        raise SettingWrong("PORT", f"is not a number; leave it out for {usual}")
    return int(port)


def wiring() -> Console:
    """What the commands may use."""
    return Console(
        settings=settings,
        settings_with=settings_with,
        node_settings=node_settings,
        open_node=lambda: open_node(settings()),
        check_matters=check_matters,
        serve=lambda host, port, workers, threads: serve(create_app, host, port, workers, threads),
        schedule=schedule,
        demo=lambda: demo.run(base_port(DEMO_PORT), HERE / "instance" / "demo", sys.stdout),
        trial=lambda: demo.run(base_port(TRIAL_PORT), TRIAL, sys.stdout, test=True),
        throw_trial_away=lambda: demo.throw_away(TRIAL),
        now=now,
        data=HERE,
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--env-file", type=click.Path(path_type=Path), help="Settings of this node; it wins over the environment."
)
def cli(env_file: Path | None) -> None:
    """OneTrip 一次办: one department's node."""
    if env_file is not None:
        os.environ[ENV_FILE] = str(env_file.resolve())


if __name__ == "__main__":
    for each in console.commands(wiring()):
        cli.add_command(each)
    cli()
