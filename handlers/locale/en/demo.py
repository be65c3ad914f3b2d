"""What the demo's own page says: who the people of the county are, six things to try, and the levers."""

TEXTS: dict[str, str] = {
    # departments and people
    "demo.account.民政局": "Civil Affairs",
    "demo.account.财政局": "Finance",
    "demo.account.公安局": "Police",
    "demo.account.审计局": "Audit",
    "demo.side.citizen": "Citizens",
    "demo.side.officer": "Officers",
    "demo.name.王桂兰": "Wang Guilan",
    "demo.name.陈志强": "Chen Zhiqiang",
    "demo.name.孙丽": "Sun Li",
    "demo.name.周大山": "Zhou Dashan",
    "demo.name.何秀英": "He Xiuying’s daughter",
    "demo.name.林芳": "Lin Fang",
    "demo.name.高伟": "Gao Wei",
    "demo.name.吴倩": "Wu Qian",
    "demo.name.马骏": "Ma Jun",
    "demo.name.李敏": "Li Min",
    "demo.name.赵磊": "Zhao Lei",
    "demo.name.宋涛": "Song Tao",
    "demo.name.郑洁": "Zheng Jie",
    "demo.name.钱伟": "Qian Wei",
    "demo.name.孔亮": "Kong Liang",
    "demo.name.韩冰": "Han Bing",
    "demo.who.王桂兰": "67, farmer",
    "demo.who.陈志强": "34, migrant worker",
    "demo.who.孙丽": "39, on a monthly benefit",
    "demo.who.周大山": "71",
    "demo.who.何秀英": "asks for her mother, 82",
    "demo.who.林芳": "Civil Affairs, clerk",
    "demo.who.高伟": "Civil Affairs, approver",
    "demo.who.吴倩": "Finance, pays",
    "demo.who.马骏": "Finance, authorises",
    "demo.who.李敏": "Police, clerk",
    "demo.who.赵磊": "Police, approver",
    "demo.who.宋涛": "Audit, auditor",
    "demo.who.郑洁": "Civil Affairs, administrator",
    "demo.who.钱伟": "Finance, administrator",
    "demo.who.孔亮": "Police, administrator",
    "demo.who.韩冰": "Audit, administrator",
    "demo.wants.王桂兰": (
        "Somebody in her family fell seriously ill, and she applied for emergency aid. "
        "She wants to know whether the money has come. Try: 「payment」 「progress」"
    ),
    "demo.wants.陈志强": (
        "Applies for a residence permit, has his slip, is not bound yet. "
        "He wants to know what is missing. Try: 「progress {slip}」 「bind {binding_code}」"
    ),
    "demo.wants.孙丽": (
        "The money of the last month never reached her card; yesterday she gave a new one at the counter. "
        "She wants to know when it comes. Try: 「my payments」"
    ),
    "demo.wants.周大山": (
        "3,000 yuan were approved, 300 came. He wants to know who got it wrong. Try: 「my payments」"
    ),
    "demo.wants.何秀英": (
        "Her mother has no smartphone, and the slip of the old-age allowance is in her hand. "
        "She wants to know where it is. Try: 「progress {slip}」"
    ),
    "demo.wants.林芳": "Takes in, accepts, examines. Signs in and sees what waits for her. Try: 「#待办」",
    "demo.wants.高伟": "Approves, refuses, sends back; never what was his own step before. Try: 「#待办」",
    "demo.wants.吴倩": "Pays, enters the bank’s answer, pays again; never authorises her own. Try: 「#待办」 「#疑点」",
    "demo.wants.马骏": "Authorises what another has ordered; then it goes to the bank. Try: 「#待办」",
    "demo.wants.李敏": "Takes papers, accepts, examines residence permits. Try: 「#待办」",
    "demo.wants.赵磊": "Approves residence permits. Try: 「#待办」",
    "demo.wants.宋涛": "Looks whether the departments’ records agree. Try: 「#疑点」 「#节点」",
    "demo.wants.郑洁": "Runs the node; signs when another department is to join or leave. Try: 「#节点」 「#同意加入」",
    "demo.wants.钱伟": "Runs the node; signs when another department is to join or leave. Try: 「#节点」 「#同意加入」",
    "demo.wants.孔亮": "Runs the node; signs when another department is to join or leave. Try: 「#节点」 「#同意加入」",
    "demo.wants.韩冰": "Runs the node; signs when another department is to join or leave. Try: 「#节点」 「#同意加入」",
    "demo.slip": "Slip {number}",
    # six things to try
    "demo.step.1": "A farmer asks: has the money come?",
    "demo.step.2": "She says what she received",
    "demo.step.3": "A permit: papers, accepted, approved",
    "demo.step.4": "An allowance: two departments, four people",
    "demo.step.5": "The failed payment is paid again",
    "demo.step.6": "Press the button: can it be hidden?",
    "demo.why.1": "No number and no office words: whoever is bound just asks.",
    "demo.why.2": "Approved, paid, credited, received: each is said by somebody else.",
    "demo.why.3": "Whatever is signed is read back first; nobody approves their own step.",
    "demo.why.4": "Civil Affairs approves, Finance pays; one orders, another authorises.",
    "demo.why.5": "She can read why it failed, what to do, and when it comes.",
    "demo.why.6": "Not even whoever holds all keys can change the copies of the others.",
    "demo.tap.ask-money": "asks: has the money come",
    "demo.tap.ask-progress": "asks: where is it",
    "demo.tap.ask-payments": "asks: my payments",
    "demo.tap.ask-why": "asks: why it did not come",
    "demo.tap.received": "says: received",
    "demo.tap.confirm-amount": "checks the amount, says yes",
    "demo.tap.bind-code": "makes a binding code",
    "demo.tap.scan": "scans it, is bound",
    "demo.tap.sign-in": "signs in",
    "demo.tap.brought": "takes the new contract",
    "demo.tap.accept": "accepts",
    "demo.tap.complete": "has examined it",
    "demo.tap.approve": "approves",
    "demo.tap.pay": "pays",
    "demo.tap.release": "authorises",
    "demo.tap.bank-result": "enters the bank’s answer",
    "demo.tap.reissue": "pays again",
    "demo.tap.confirm": "reads it, says yes",
    "demo.tap.sign": "signs with the code",
    "demo.tap.findings": "looks at the findings",
    "demo.tap.rewrite": "Press: Finance rewrites its books",
    # the levers
    "demo.lever.rewrite.label": "Demo: Finance secretly rewrites its books (20,000→2)",
    "demo.lever.rewrite.hint": (
        "Really rewrites the finance department’s database, Wang Guilan’s 20,000 yuan to 2, "
        "and signs it again with all of its own keys."
    ),
    "demo.lever.rewrite.useless": "The books are rewritten already; restore the demo first.",
    "demo.lever.restore.label": "Restore the demo",
    "demo.lever.restore.hint": "All four departments as they were before. What was done since is gone.",
    "demo.lever.restore.useless": "Nothing was rewritten, so there is nothing to restore.",
    "demo.lever.pause.label": "Let a department stand still",
    "demo.lever.pause.hint": (
        "Stops all its programs; they start again after two minutes. The others go on, "
        "and answers say since when it has not compared."
    ),
    "demo.lever.pause.useless": "This is not possible now.",
    "demo.lever.resume.label": "Start it again now",
    "demo.lever.resume.hint": "Without waiting for the two minutes.",
    "demo.lever.resume.useless": "No department stands still now.",
    "demo.lever.reset.label": "Begin again",
    "demo.lever.reset.hint": (
        "All four departments, the chats and the six things as they were when the demo began, for whoever comes next."
    ),
    "demo.lever.reset.useless": "It cannot begin again now.",
    "demo.lever.reset.done": "Everything is as it was when the demo began.",
    "demo.lever.held": "The last button is not done yet; please wait a moment.",
    "demo.lever.rewrite.copying": ("First, do all the others hold their copies? {done} of {count} know that they do …"),
    "demo.lever.rewrite.keeping": "Keeping all four departments as they are, to restore them later …",
    "demo.lever.rewrite.writing": "Rewriting the records of {department}, and signing them with its own keys …",
    "demo.lever.rewrite.waiting": (
        "The books are rewritten, and every signature is good. "
        "The others are comparing: {done} of {count} have found it …"
    ),
    "demo.lever.rewrite.done": (
        "All the others have found it, and keep both signed versions as evidence. "
        "Let Wang Guilan ask again, and look at Song Tao’s findings."
    ),
    "demo.lever.restore.stopping": "Letting the departments stop their rounds …",
    "demo.lever.restore.putting": "Putting all four departments back to before …",
    "demo.lever.restore.starting": "Starting the rounds of the departments again …",
    "demo.lever.restore.waiting": "The departments compare each other again: {done} of {count} are done …",
    "demo.lever.restore.done": "Restored: all four departments are as they were before.",
    "demo.lever.pause.stopping": "Stopping {department} …",
    "demo.lever.pause.standing": (
        "{department} stands still, and has not compared since {since}. It starts by itself at {until}."
    ),
    "demo.lever.pause.starting": "Starting {department} …",
    "demo.lever.pause.done": "{department} is back, and compares again in a few seconds.",
    "demo.lever.failed": "It did not work: {why}",
    "demo.lever.why.busy": "The database is busy; press once more.",
    "demo.lever.why.late": "nothing came from {what} within {seconds} seconds.",
    "demo.lever.why.other": "{what}",
}
