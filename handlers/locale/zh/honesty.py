"""What people read about a log that was rewritten, and about a department that has not looked lately."""

TEXTS: dict[str, str] = {
    "finding.rewritten.amounts": (
        "⚠ {department}现在给出的账，和它{day}签过名的不一样：当时签的是 {was}，现在是 {now}。"
        "{holders}都存有当时的副本，可以作证据。"
    ),
    "finding.rewritten.amounts.one": (
        "⚠ {department}现在给出的账，和它{day}签过名的不一样：当时签的是 {was}，现在是 {now}。"
        "{holders}存有当时的副本，可以作证据。"
    ),
    "finding.no-trip": "{finding}您不用再跑。",
    "findings.rewritten": "{id} {rule} {told}{state}\n{page}",
    "trust.between": "",
    "trust.late": "{department}也存了一份，{since}以后没有再核对。",
}
