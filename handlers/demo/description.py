"""Describes the demo to whoever drives it: `demo.json` for programs, and the cast of the pretended WeChat."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.citizen.scanning import slip_scene
from handlers.demo.control import Control
from handlers.demo.county import CITIZENS, OFFICERS, Citizen, Officer
from handlers.demo.sites import Site
from handlers.demo.steps import steps
from handlers.demo.telling import Clerk, Thread
from handlers.demo.words import both
from ledger.desk import Desk
from ledger.node import Node
from ledger.records.funds import Ref

BINDING_SECONDS = 7 * 24 * 3600  # a code on paper, taken home
LEVEL_AT_THE_COUNTER = 1


def describe_node(site: Site, node: Node) -> dict[str, Any]:
    """One department for `demo.json`."""
    account = site.account
    return {
        "name": site.name,
        "url": site.url,
        "origin": node.origin,
        "log_vkeys": node.keys.log_vkeys,
        "witness_vkeys": node.keys.witness_vkeys,
        "mirror_vkeys": node.keys.mirror_vkeys,
        "database_url": site.settings.database_url,
        "env_file": str(site.env_file),
        "wechat": {
            "token": account.token,
            "encoding_aes_key": account.encoding_aes_key,
            "app_id": account.app_id,
        },
    }


def describe_citizen(citizen: Citizen, thread: Thread) -> dict[str, Any]:
    """One person for `demo.json`; whoever is not bound yet gets a code that binds."""
    case = {"node": thread.node.name, "number": thread.number, "query_code": thread.query_code}
    return {
        "name": citizen.name,
        "openid": citizen.openid,
        "node": citizen.node,
        "bound": thread.bound,
        "binding_code": None if thread.bound else _binding_code(thread),
        "cases": [case],
        "payments": [{"node": node.name, "number": _number(node, payment)} for node, payment in thread.payments],
    }


def _binding_code(thread: Thread) -> str:
    # By the real clock: it is typed today or in the next days.
    desk = Desk(thread.node.log, thread.node.keys, thread.node.now)
    return desk.binding_code_for(thread.citizen, BINDING_SECONDS, level=LEVEL_AT_THE_COUNTER)


def _number(node: Node, payment: Ref) -> str:
    with node.reading() as facts:
        return str(facts.private(payment, "number"))


def describe_officer(officer: Officer, clerk: Clerk) -> dict[str, Any]:
    """One member of staff for `demo.json`."""
    return {
        "name": officer.name,
        "openid": officer.openid,
        "node": officer.node,
        "roles": list(officer.roles),
        "totp_secret": clerk.totp_secret,
    }


def describe(
    sandbox_url: str,
    sites: Sequence[Site],
    nodes: Sequence[Node],
    threads: Mapping[str, Thread],
    clerks: Mapping[str, Clerk],
) -> dict[str, Any]:
    """The whole of `demo.json`."""
    return {
        "sandbox_url": sandbox_url,
        "nodes": [describe_node(site, node) for site, node in zip(sites, nodes, strict=True)],
        "citizens": [describe_citizen(citizen, threads[citizen.name]) for citizen in CITIZENS],
        "officers": [describe_officer(officer, clerks[officer.name]) for officer in OFFICERS],
    }


def sandbox_cast(sites: Sequence[Site], description: Mapping[str, Any], control: Control) -> dict[str, Any]:
    """The pretended WeChat's cast: accounts, people with cards and slips, what to try, and where the levers are."""
    citizens = [_as_citizen(citizen) for citizen in description["citizens"]]
    officers = [_as_officer(officer) for officer in description["officers"]]
    return {
        "accounts": [_account(site) for site in sites],
        "people": citizens + officers,
        "steps": steps(description),
        "tongues": {"zh": "中文", "en": "English"},
        "levers": {"url": control.url, "token": control.token},
    }


def _as_citizen(citizen: Mapping[str, Any]) -> dict[str, Any]:
    slips = [
        {
            "node": case["node"],
            "scene": slip_scene(case["number"], case["query_code"]),
            "label": both("slip", number=case["number"]),
        }
        for case in citizen["cases"]
    ]
    return _person(citizen, "citizen", _slip(citizen)) | {"slips": slips}


def _as_officer(officer: Mapping[str, Any]) -> dict[str, Any]:
    return _person(officer, "officer", {}) | {"totp_secret": officer["totp_secret"]}


def _person(told: Mapping[str, Any], side: str, values: Mapping[str, str]) -> dict[str, Any]:
    name = told["name"]
    return {
        "openid": told["openid"],
        "name": both(f"name.{name}"),
        "who": both(f"who.{name}"),
        "wants": both(f"wants.{name}", **values),
        "node": told["node"],
        "side": side,
    }


def _slip(citizen: Mapping[str, Any]) -> dict[str, str]:
    case = citizen["cases"][0]
    return {"slip": f"{case['number']} {case['query_code']}", "binding_code": str(citizen["binding_code"])}


def _account(site: Site) -> dict[str, Any]:
    account = site.account
    return {
        "name": site.name,
        "label": both(f"account.{site.name}"),
        "url": site.url,
        "token": account.token,
        "encoding_aes_key": account.encoding_aes_key,
        "app_id": account.app_id,
        "app_secret": account.app_secret,
        "template_id": account.template_id,
    }


def write_json(path: Path, content: object) -> None:
    """Write a file for its owner alone, aside and then renamed: whoever sees it sees all of it."""
    aside = path.with_name(f".{path.name}.new")
    aside.touch(0o600)
    aside.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
    aside.replace(path)
