"""What anyone can check from outside: the finding, the logs, the commands."""

import json
import re

import pytest

from tests.demo.c2sp import Reader
from tests.demo.network import Network, until

pytestmark = pytest.mark.slow

NODES = ("民政局", "财政局", "公安局", "审计局")


FINDING = re.compile(r"[0-9A-HJKMNP-TV-Z]{8} R[0-9]{2} ")


def test_r19_and_no_other_is_open_at_all_four_nodes_under_one_name_told_to_people_and_to_a_program(network: Network):
    asked = {node: ("crosscheck", *(("--json",) if node == "公安局" else ())) for node in NODES}
    done = network.commands(asked)
    assert {node: one.returncode for node, one in done.items()} == dict.fromkeys(NODES, 1), done
    told = json.loads(done.pop("公安局").stdout)
    rows = [line.split() for one in done.values() for line in one.stdout.splitlines() if FINDING.match(line)]
    assert [(rule, state) for _id, rule, state, *_ in rows] == [("R19", "open")] * 3, rows
    [name] = {row[0] for row in rows}
    assert '"R19"' in json.dumps(told)
    assert name in json.dumps(told)
    assert "R44" not in {one["rule"] for one in told.get("past", [])}  # nor was it ever, of what the story tells


def test_every_log_verifies_also_the_one_with_the_order_made_round_the_desk(network: Network):
    keys = {node: [each for key in network.node(node)["log_vkeys"] for each in ("--vkey", key)] for node in NODES}
    done = network.commands({node: ("verify", *keys[node]) for node in NODES})
    assert {node: one.returncode for node, one in done.items()} == dict.fromkeys(NODES, 0), done


def test_a_log_verifies_from_outside_by_its_address(network: Network):
    done = network.command("审计局", "verify", "--log", network.node("财政局")["url"])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("node", NODES)
def test_an_independent_client_reads_checkpoint_tiles_and_entries(network: Network, node: str):
    told = network.node(node)
    reader = Reader(network.http, f"{told['url']}/log", told["origin"], told["log_vkeys"])
    checkpoint = reader.checkpoint()
    assert checkpoint.size >= 5
    reader.check_tree(checkpoint)


def test_a_published_head_comes_to_carry_every_departments_word(network: Network):
    everybody = [
        key for node in network.described["nodes"] for kind in ("witness", "mirror") for key in node[f"{kind}_vkeys"]
    ]
    told = network.node("公安局")
    reader = Reader(network.http, f"{told['url']}/log", told["origin"], told["log_vkeys"])
    own_mirror = set(told["mirror_vkeys"])

    def look() -> bool:
        return reader.cosigned_by(everybody) >= set(everybody) - own_mirror

    until(look, 60, "witnesses and mirrors have cosigned", pause=0.3)
    lines = network.http.get(f"{told['url']}/log/checkpoint").text.split("\n\n", 1)[1].splitlines()
    assert len(lines) == 16


def test_nothing_private_can_be_read_from_the_logs(network: Network):
    told = []
    for citizen in network.described["citizens"]:
        told += [citizen["name"], *(case["number"] for case in citizen["cases"] + citizen["payments"])]
        told += [case["query_code"] for case in citizen["cases"]]
    told += [officer["name"] for officer in network.described["officers"]]
    for node in network.described["nodes"]:
        reader = Reader(network.http, f"{node['url']}/log", node["origin"], node["log_vkeys"])
        readable = "\n".join(reader.payload(entry) for entry in reader.entries(reader.checkpoint().size))
        for secret in told:
            assert secret not in readable
            assert secret.encode("unicode_escape").decode() not in readable
    assert len(told) > 20


def test_each_departments_log_begins_before_the_story_and_nothing_lies_in_the_future(network: Network):
    for node in network.described["nodes"]:
        reader = Reader(network.http, f"{node['url']}/log", node["origin"], node["log_vkeys"])
        checkpoint = reader.checkpoint()
        payloads = [json.loads(reader.payload(entry)) for entry in reader.entries(checkpoint.size)]
        times = [payload["iat"] for payload in payloads]
        assert times == sorted(times)
        assert times[-1] <= reader.now()
        assert "department" in payloads[0]


def test_the_commands_of_a_later_stage_say_so_and_exit_2(network: Network):
    done = network.command("民政局", "erase", "x")
    assert done.returncode == 2
    assert "还没有开通" in done.stdout + done.stderr
