"""Whatever a name says, a node asks at addresses where a department can be, and at the one that was looked at."""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask

from ledger.errors import PeerUnreachable
from ledger.peers import addresses
from ledger.peers.addresses import PRIVATE_NETWORKS, check_address, parse_networks, resolve
from ledger.peers.client import PeerClient
from ledger.peers.patience import PatientSocket
from tests.fakes.serving import serving
from tests.peers.test_peers_http import free_port

OWN = "https://own.example"
PUBLIC = "8.8.8.8"
METADATA = "169.254.169.254"


class Names:
    """A name server that says another thing each time, and the last of them for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture
def connected(monkeypatch) -> list[str]:
    """Every address that a connection was begun to; nobody answers there."""
    begun: list[str] = []

    def connect(_self, place):
        begun.append(place[0])
        raise OSError("nobody")

    monkeypatch.setattr(PatientSocket, "connect", connect)
    return begun


def ask(client: PeerClient, url: str = "https://peer.example/node.json") -> str:
    with pytest.raises(PeerUnreachable) as caught:
        client.get(url, bytes_max=1000)
    return str(caught.value)


@pytest.mark.parametrize("then", [METADATA, "127.0.0.1", "10.0.0.1", "::1", "fe80::1%eth0"])
def test_a_name_that_is_public_first_and_inside_next_leads_nowhere_inside(connected, then):
    names = Names([PUBLIC], [then])
    with PeerClient(OWN, resolve=names) as client:
        ask(client)
        assert then in ask(client)
    # One look-up a connection, and what it said is what was connected to.
    assert (connected, names.asked) == ([PUBLIC], ["peer.example"] * 2)


def test_a_name_with_one_address_inside_among_public_ones_is_not_asked_at_all(connected):
    with PeerClient(OWN, resolve=Names([PUBLIC, METADATA, "1.1.1.1"])) as client:
        assert METADATA in ask(client)
    assert connected == []


def test_every_address_of_a_name_is_tried_once_and_only_so_many(connected):
    with PeerClient(
        OWN, resolve=Names([PUBLIC, PUBLIC, "1.1.1.1", "9.9.9.9", "2001:4860:4860::8888", "8.8.4.4"])
    ) as client:
        assert "did not answer" in ask(client)
    assert connected == [PUBLIC, "1.1.1.1", "9.9.9.9", "2001:4860:4860::8888"]


@pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("label too long")])
def test_a_name_that_cannot_be_looked_up_is_unreachable(error):
    def fail(_host, _port):
        raise error

    with PeerClient(OWN, resolve=fail) as client:
        assert "did not answer" in ask(client)


INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "169.254.0.1",
    METADATA,
    "100.100.100.200",  # where Alibaba's machines are told their secrets
    "168.63.129.16",  # where Azure's are
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b::127.0.0.1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_no_department_is_at_such_an_address(connected, address):
    with PeerClient(OWN, resolve=Names([address])) as client:
        assert address in ask(client)
    assert connected == []


@pytest.mark.parametrize(
    "address", [PUBLIC, "59.255.0.1", "::ffff:8.8.8.8", "2001:4860:4860::8888", "64:ff9b::8.8.8.8"]
)
def test_a_public_address_is_asked(connected, address):
    with PeerClient(OWN, resolve=Names([address])) as client:
        ask(client)
    assert [ip_address(one) for one in connected] == [ip_address(address)]


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "0", "[::ffff:7f00:1]", "[::1]"],
)
def test_no_spelling_of_this_machine_is_asked(connected, host):
    """The system's own reader of such spellings decides what they mean, and then they are judged."""
    with PeerClient(OWN) as client:
        ask(client, f"https://{host}/node.json")
    assert connected == []


def test_some_spellings_do_mean_this_machine_to_the_system():
    assert resolve("2130706433", 443) == resolve("0177.0.0.1", 443) == resolve("127.1", 443) == ["127.0.0.1"]


@pytest.mark.parametrize("address", ["10.20.0.1", "10.20.255.254", "::ffff:10.20.0.1"])
def test_an_intranet_that_was_allowed_is_asked_and_no_other_one(connected, address):
    networks = parse_networks("10.20.0.0/16, fd12:3456::/32")
    with PeerClient(OWN, networks=networks, resolve=Names([address])) as client:
        ask(client)
    assert connected == [address]
    for other in ("10.21.0.1", "192.168.0.1", "127.0.0.1", METADATA, "fd13::1", "::1"):
        with pytest.raises(PeerUnreachable):
            check_address("peer.example", other, networks)


def test_a_private_address_is_refused_with_the_setting_that_mends_it():
    for address in ("10.0.0.1", "fc00::1"):
        with pytest.raises(PeerUnreachable, match="ONETRIP_PEER_NETWORKS"):
            check_address("peer.example", address, ())


@pytest.mark.parametrize("address", sorted(map(str, addresses._METADATA)))
def test_a_machines_secrets_are_asked_for_by_no_setting(address):
    with pytest.raises(PeerUnreachable):
        check_address("peer.example", address, (*PRIVATE_NETWORKS, *addresses.LOOPBACK_NETWORKS))


@pytest.mark.parametrize(
    "text", ["10.0.0.0/7", "0.0.0.0/0", "127.0.0.0/8", "169.254.0.0/16", "8.8.8.0/24", "::/0", "10.0.0.1/8", "intranet"]
)
def test_only_networks_of_private_addresses_can_be_allowed(text):
    with pytest.raises(ValueError, match=r"private|network|host bits"):
        parse_networks(text)


def test_what_can_be_allowed_is_read():
    assert parse_networks("") == ()
    assert [str(one) for one in parse_networks("10.0.0.0/8,192.168.1.7,fd00::/8")] == [
        "10.0.0.0/8",
        "192.168.1.7/32",
        "fd00::/8",
    ]


def test_a_demo_on_one_machine_asks_there_and_still_not_for_its_secrets(connected):
    with PeerClient("http://127.0.0.1:1", resolve=Names(["127.0.0.1"], [METADATA])) as client:
        ask(client, "http://127.0.0.1:2/")
        assert METADATA in ask(client)
    assert connected == ["127.0.0.1"]


# --- the certificate is still the name's ---


@contextmanager
def serving_tls(folder: Path, name: str) -> Iterator[tuple[int, Path]]:
    """A server on this machine with a certificate for that name; yields its port, and what to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    app, port = Flask(name), free_port()
    app.add_url_rule("/node.json", view_func=lambda: "it is me")
    with serving(app, port, context):
        yield port, file


@pytest.mark.parametrize(("named", "good"), [("peer.example", True), ("other.example", False), ("127.0.0.1", False)])
def test_the_certificate_is_held_against_the_name_and_not_the_address(tmp_path, monkeypatch, named, good):
    with serving_tls(tmp_path, named) as (port, trusted):
        monkeypatch.setattr(certifi, "where", lambda: str(trusted))
        names = Names(["127.0.0.1"], [METADATA])
        with PeerClient("http://127.0.0.1:1", resolve=names) as client:
            url = f"https://peer.example:{port}/node.json"
            if good:
                assert client.get(url, bytes_max=1000) == b"it is me"
                assert METADATA in ask(client, url)  # by the next connection the name has moved inside
            else:
                assert "did not answer (SSLCertVerificationError)" in ask(client, url)


def test_until_when_a_certificate_is_good_is_read_from_it(tmp_path, monkeypatch):
    with serving_tls(tmp_path, "peer.example") as (port, trusted):
        monkeypatch.setattr(certifi, "where", lambda: str(trusted))
        made = x509.load_pem_x509_certificate(trusted.read_bytes())
        with PeerClient("http://127.0.0.1:1", resolve=Names(["127.0.0.1"])) as client:
            ends = client.certificate_ends(f"https://peer.example:{port}/node.json")
    assert ends == int(made.not_valid_after_utc.timestamp())


def test_plain_http_has_no_certificate():
    app, port = Flask("plain"), free_port()
    app.add_url_rule("/node.json", view_func=lambda: "it is me")
    with serving(app, port), PeerClient("http://127.0.0.1:1") as client:
        assert client.certificate_ends(f"http://127.0.0.1:{port}/node.json") is None
