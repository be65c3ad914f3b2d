"""What an officer may say, one file a desk.

Staff words exist only for the bound accounts of officers in force: for everybody else they are not understood.
"""

from bot.routing import Route, on_code, on_command
from handlers.dialogue import YES
from handlers.services import Services
from handlers.staff import (
    amending,
    answering,
    calls,
    casework,
    drafts,
    epochs,
    findings,
    funds,
    inbox,
    intake,
    lookup,
    network,
    sign_in,
)
from handlers.staff import help as helping
from handlers.staff.acts import command
from handlers.staff.commands import LATER, WORDS
from handlers.staff.door import is_officer, to_come_in, to_read, to_sign

_ALSO = {"bank-result": ("#回盘",)}

STAFF_ROUTES: list[Route[Services]] = [
    # coming and going
    on_command(WORDS["sign-in"], to_come_in(sign_in.enter), guard=is_officer),
    on_command(WORDS["sign-out"], to_read(sign_in.leave), guard=is_officer),
    # looking
    on_command(WORDS["inbox"], to_read(inbox.inbox), guard=is_officer),
    on_command(WORDS["called"], to_read(calls.called), guard=is_officer),
    on_command(WORDS["look"], to_read(lookup.look), guard=is_officer),
    on_command(WORDS["history"], to_read(lookup.history), guard=is_officer),
    on_command(WORDS["findings"], to_read(findings.listed), guard=is_officer),
    on_command(WORDS["nodes"], to_read(network.nodes), guard=is_officer),
    # what is personal: on a page of its own
    on_command(WORDS["take-in"], to_sign(intake.take_in), guard=is_officer),
    on_command(WORDS["bind-code"], to_sign(intake.bind_code), guard=is_officer),
    on_command(WORDS["account"], to_sign(intake.account), guard=is_officer),
    # what is signed
    *(
        on_command(WORDS[act.key], to_sign(command(act)), also=_ALSO.get(act.key, ()), guard=is_officer)
        for act in (*casework.ACTS, *funds.ACTS)
    ),
    on_command(WORDS["amend"], to_sign(amending.amend), guard=is_officer),
    on_command(WORDS["explain"], to_sign(answering.explain), guard=is_officer),
    on_command(WORDS["conclude"], to_sign(answering.conclude), guard=is_officer),
    on_command(WORDS["agree-join"], to_sign(epochs.agree_join), guard=is_officer),
    on_command(WORDS["agree-leave"], to_sign(epochs.agree_leave), guard=is_officer),
    # the draft that is open
    on_command(YES, to_come_in(drafts.confirm), also=("confirm",), guard=drafts.is_confirmed_here, exact=True),
    on_command(
        "取消", to_come_in(drafts.cancel), also=drafts.DROP_WORDS, guard=drafts.is_dropped_here, argument="none"
    ),
    on_code(to_read(drafts.six_digits), when=is_officer),
    # what comes later, and what nobody knows
    *(on_command(word, to_come_in(helping.not_open), guard=is_officer) for word in LATER),
    on_command("#", to_come_in(helping.not_understood), guard=is_officer),
]
