"""Who belongs to the network: what an administrator reads and agrees to."""

TEXTS = {
    "do.agree-join": "Agree to it joining",
    "do.agree-leave": "Agree to it leaving",
    "do.agree-list": "see them",
    "act.agree-join": "agree to a department joining",
    "act.agree-leave": "agree to a department leaving",
    "line.agree-join": "Agree that {name} ({origin}) joins those who check each other. {words}{so_far}",
    "line.agree-leave": (
        "Agree that {name} ({origin}) leaves those who check each other; its witness counts no more. {so_far}"
    ),
    "epochs.words": "\nTelephone first; they must read out: {words}\n",
    "epochs.introduced": (
        "\nIntroduced by {departments}; its address is {url}, where our node has not been: it goes there once you have "
        "signed.\nTelephone first, by a number that you looked up yourself; they must read out: {words}\n"
    ),
    "epochs.first": "nobody has agreed yet, {needed} must",
    "epochs.so-far": "agreed: {departments}; {needed} must",
    "epochs.by-us": "; we have agreed",
    "epochs.again": "; departments agreed to different things and none has enough: telephone, and agree once more",
    "epochs.not-compared": "; our department has not compared words with it yet (peers invite)",
    "epochs.introduced-by": "; introduced by {departments}, waits until we compare the eight words by telephone",
    "epochs.introduced-unlike": "; departments introduce it differently, so it cannot be agreed to here",
    "epochs.entry.joined": "{name} asks to join: {so_far}{own}",
    "epochs.entry.left": "{name} is to leave: {so_far}{own}",
    "epochs.members": "This is epoch {number}, of {count} departments.",
    "epochs.head": "Waiting for departments to agree:",
    "epochs.more": "{count} more, after these.",
    "epochs.nothing": "Nothing waits to be agreed to.",
    "epochs.waiting": "Waiting to join: {departments}.",
    "epochs.no-network": (
        "Our department is in no network yet: the first ones each run peers found; later ones are agreed to by those."
    ),
    "inbox.epochs": "{count} changes of the network's members wait for our word: {link}",
    "refused.agree-join-unknown": "No department called {name} waits to join. {waiting}",
    "refused.agree-leave-unknown": "No department called {name} is in the network.",
    "refused.not-compared": (
        "Our department has not compared words with {name}. Let the administrator run peers invite on the server "
        "first, and compare by telephone."
    ),
    "refused.introduced-unlike": (
        "{departments} introduce {name} differently (its keys or its address): somebody may pose as it. Telephone "
        "first; if it is to join, let the administrator run peers invite on the server and compare the words."
    ),
    "refused.cannot-follow": (
        "Our node could not follow {name}: its name or number prefix cannot be told from another department's, or its "
        "address does not begin with https. The reason: {why}"
    ),
    "refused.several-joining": (
        "{count} departments are called {name}: {origins}; somebody may pose as it. Telephone first to learn which one "
        "it is, and then name its log, e.g. #同意加入 {example}"
    ),
    "refused.agreed-already": "We have agreed already; others have not yet.",
    "refused.another-change": "Another change is not settled yet; one at a time. Send #同意加入 to see it.",
    "refused.member-already": "This department is in the network already.",
    "refused.no-member": "This department is not in the network now.",
    "refused.too-few": "One department would be left, with nobody to check it.",
    "refused.not-in-network": "Our department is not in the network, and cannot speak for it.",
    "refused.epoch-changed": "The network's members have just changed; please look again first.",
    "refused.network-exists": "Our department is in a network already.",
    "refused.two-successors": "Our department has agreed to something in this ballot already.",
    "refused.too-many-foundings": "Our department has founded too many networks already; none came of them.",
    "refused.too-many-ballots": "Our department has agreed as often as it can in this epoch.",
    "refused.too-many-votes": "Our department's log has no room for more of this; it needs a successor log.",
}
