"""What whoever looks at records one by one can say of each: all that those need who look at nothing else."""

from typing import NamedTuple

IAT_MAX = 32_503_680_000  # the year 3000: from there on calendars end in the middle of a term


class Proven(NamedTuple):
    """What has been proven of a record already, elsewhere, that depends on nothing but its bytes and a key."""

    signature: bool = False  # it is good under the key whose thumbprint is the record's `kid`
    claims: bool = False  # they are those of its kind


NOTHING = Proven()
# A record shares it with all others of which the same is proven.
EACH = {(signature, claims): Proven(signature, claims) for signature in (False, True) for claims in (False, True)}
