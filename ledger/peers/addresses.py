"""Which addresses another department's node may have: none that leads into this machine, or to what only it reaches.

A name means what its owner says at this moment. So it is looked up once, what came is judged, and that very address is
connected to; the name goes on to be what the certificate must be for.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ledger.errors import PeerUnreachable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

# Addresses that departments may have among themselves, when a setting says so (RFC 1918, 6598, 4193).
PRIVATE_NETWORKS: tuple[Network, ...] = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
LOOPBACK_NETWORKS: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

# Where clouds tell a machine its secrets: link-local ones are refused anyway, these lie elsewhere.
_METADATA = frozenset(
    map(ip_address, ("100.100.100.200", "168.63.129.16", "fd00:ec2::254", "192.0.0.192", "169.254.169.254"))
)
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052
_COMPATIBLE = ip_network("::/96")  # RFC 4291 §2.5.5.1
_IPV4_MASK = 2**32 - 1


def resolve(host: str, port: int) -> list[str]:
    """The addresses that a name has now; raises OSError or UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def check_address(host: str, text: str, allowed: Sequence[Network]) -> None:
    """Check that a node may be at this address: a public one, or one in a network that was allowed.

    Raises PeerUnreachable.
    """
    address = _meant(ip_address(text))
    if address in _METADATA:
        raise PeerUnreachable(f"{host} has the address {text}, where no department is: nothing was asked there")
    if any(address in network for network in allowed):
        return
    if any(address in network for network in PRIVATE_NETWORKS):
        raise PeerUnreachable(
            f"{host} has the private address {text}: if departments are meant to be there, set ONETRIP_PEER_NETWORKS"
        )
    if address.is_multicast or not address.is_global:
        raise PeerUnreachable(f"{host} has the address {text}, where no department is: nothing was asked there")


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read networks, divided by commas; raises ValueError unless each is one of private addresses."""
    networks = tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    for network in networks:
        if not any(_is_part(network, private) for private in PRIVATE_NETWORKS):
            raise ValueError(f"{network} is no network of private addresses")
    return networks


def _is_part(network: Network, of: Network) -> bool:
    return network.version == of.version and network[0] in of and network[-1] in of


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it stands for one."""
    if isinstance(address, IPv4Address):
        return address
    teredo = address.teredo
    for inner in (address.ipv4_mapped, address.sixtofour, None if teredo is None else teredo[1]):
        if inner is not None:
            return inner
    carries = address in _NAT64 or (address in _COMPATIBLE and not address.is_loopback and not address.is_unspecified)
    return IPv4Address(int(address) & _IPV4_MASK) if carries else address
