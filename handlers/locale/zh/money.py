"""What citizens read about money, about who else holds the records, and about what does not agree."""

TEXTS: dict[str, str] = {
    "pay.title": "{what}（编号{number}）",
    "pay.title.no-number": "{what}",
    "money.monthly": "{month}{money}",
    # the award
    "award.PROPOSED": "{department}正在审核，还没有批准。您现在不用做什么。",
    "award.APPROVED": "{department}{day}批准 {amount}。",
    "award.RETURNED": "{department}退回重新审核，{day}。您现在不用做什么。",
    "award.REFUSED": "{department}没有批准，{day}。",
    "award.CANCELLED": "这条登记录错了，{day}已取消。",
    "award.none": "还没有核定金额。批准以后，这里能看到钱到了哪一步。",
    # the payment
    "pay.none": "{payer}还没有付款。",
    "pay.by": "{day}前打到您卡上。您现在不用做什么。",
    "pay.late": "已超过承诺时间，正在催办。您现在不用做什么。",
    "pay.CREATED": "{day}，{payer}：{what} {amount}，名单已确定，还没有送银行。",
    "pay.SENT": "{day}，{what} {amount} 已送银行，银行还没处理。",
    "pay.ACCEPTED.officer": "{payer}登记：{day}银行已转账 {amount}（尚未附银行回执）。",
    "pay.ACCEPTED.bank": "{day}，{what} {amount}，银行正在转账。",
    "pay.HELD": "{day}，{what} {amount}，银行暂时没有入账，我们在核实。您现在不用做什么。",
    "pay.CREDITED": "{day}，银行回执：{what} {amount} 已转入您尾号{tail}的卡。",
    "pay.CREDITED.no-tail": "{day}，银行回执：{what} {amount} 已转入您的卡。",
    "pay.failed": "{what} {amount}，没能打进您的卡，{day}。",
    "pay.REISSUED": "{what} {amount}，上一次没能打进您的卡，已重新发放。",
    "pay.CANCELLED": "{payer}有一条付款录错了，{day}已取消。",
    "pay.short": "批准了 {approved}，只支付了 {paid}，还差 {missing}。",
    "pay.account-again": "新卡号{day}已登记，{by}前补发。您现在不用做什么。",
    "pay.nothing-to-do": "您现在不用做什么。",
    "pay.account-again.late": "新卡号{day}已登记，补发已超过承诺时间，正在催办。您现在不用做什么。",
    # why it failed, who acts, what we do: one message for each kind of reason
    "fail.number": (
        "原因：登记的卡号不对。\n您要做：带身份证和银行卡，到{place}重新登记卡号。\n"
        "我们会做：登记后{reissue}个工作日内补发，不用重新申请，钱不会少。"
    ),
    "fail.closed": (
        "原因：{card}账户已销户。\n您要做：带身份证和新社保卡，到{place}登记新卡号。\n"
        "我们会做：登记后{reissue}个工作日内补发，不用重新申请，钱不会少。"
    ),
    "fail.frozen": (
        "原因：{card}账户已冻结或挂失。\n您要做：带身份证和卡，到开户银行恢复这张卡。\n"
        "我们会做：卡恢复以后，{retry}个工作日内再付，不用重新申请，钱不会少。"
    ),
    "fail.type": (
        "原因：{card}账户不能收这种款。\n您要做：带身份证和另一张本人的卡，到{place}登记。\n"
        "我们会做：登记后{reissue}个工作日内补发，不用重新申请，钱不会少。"
    ),
    "fail.twice": (
        "原因：银行说这笔钱和另一笔重复了。\n您现在不用做什么。\n我们会做：工作人员先查清楚，结果在这里告诉您。"
    ),
    "fail.amount": (
        "原因：送银行的金额和名单不一样。\n您现在不用做什么。\n我们会做：{payer}先查清楚，结果在这里告诉您。"
    ),
    "fail.name": (
        "原因：卡的户名和您登记的姓名不一样。\n您要做：带身份证和银行卡，到{place}看一下是哪里不一样。\n"
        "我们会做：改好以后{reissue}个工作日内补发，不用重新申请，钱不会少。"
    ),
    "fail.bank-code": (
        "原因：开户行的行号登记错了，是我们的错。\n您现在不用做什么。\n我们会做：工作人员改好就补发，钱不会少。"
    ),
    "fail.dead": (
        "原因：银行登记说收款人已去世。如果登记错了，我们向您道歉。\n"
        "您要做：本人健在的话，请本人或家人到{place}，或者打电话告诉我们。\n我们会做：问清楚以前，什么都不会取消。"
    ),
    "fail.other": "原因：银行没有说清楚。\n您现在不用做什么。\n我们会做：工作人员正在问银行，结果在这里告诉您。",
    "fail.inquiry": "原因：这笔钱被退回来查问。\n您现在不用做什么。\n我们会做：工作人员正在查，结果在这里告诉您。",
    "fail.bank": (
        "原因：银行那边的系统问题，和您的卡没有关系。\n您现在不用做什么。\n我们会做：银行恢复以后再付，钱不会少。"
    ),
    "fail.card": "尾号{tail}的旧卡",
    "fail.card.no-tail": "登记的卡",
    # the citizen's own word
    "ask": "您收到多少？\n{choices}",
    "ask.yes": "收到了，{amount}",
    "ask.wrong": "收到了，数目不对",
    "ask.no": "没收到",
    "ask.later": "我看看再说",
    "word.said.received": "您{day}说：收到了 {amount}。",
    "word.said.received-with-issues": "您{day}说：收到了，数目不对。",
    "word.said.not-received": "您{day}说：没收到。",
    "word.done": "记下了：您{day}说收到了{what} {amount}。谢谢您告诉我们。记录号 {record}。",
    "word.later": "好的，您看过卡再告诉我们。收到了就回“钱收到了”。",
    "word.none": "现在没有等您确认的钱。钱打到卡上以后，再回“钱收到了”就行。",
    "word.already": "您{day}说过的，已经记下了，不用再说。",
    "word.gone": "这笔钱现在不用您确认：可能已经说过了，也可能银行那边有了变化。请回“补贴”看一下。",
    "word.list": "有几笔钱等您确认，您说的是哪一笔？请回数字：\n{lines}",
    "word.line": "{day}，{what} {amount}",
    "word.changed": "这笔钱刚刚有了变化，没有登记。请再看一下。",
    # lists
    "mine.payments": "您的补贴：\n{lines}\n回数字看一笔。",
    "mine.payment": "{what} {amount}，{status}，{day}",
    "mine.payments.none": "您名下还没有核定的补贴。正在办的申请，请回“我的办件”看。",
    "pay.earlier": "以前的：\n{lines}",
    "short.award.PROPOSED": "还没有批准",
    "short.award.APPROVED": "已批准，还没有付款",
    "short.award.RETURNED": "重新审核",
    "short.award.REFUSED": "没有批准",
    "short.award.CANCELLED": "录错了，已取消",
    "short.pay.CREATED": "名单已确定",
    "short.pay.SENT": "已送银行",
    "short.pay.ACCEPTED.officer": "{payer}登记银行已转账",
    "short.pay.ACCEPTED.bank": "银行正在转账",
    "short.pay.HELD": "银行暂时没有入账",
    "short.pay.CREDITED": "银行回执已转入",
    "short.pay.REJECTED": "没能打进您的卡",
    "short.pay.RETURNED": "没能打进您的卡",
    "short.pay.REISSUED": "已重新发放",
    "short.pay.CANCELLED": "录错了，已取消",
    # who else holds it. Only these lines and the findings speak of 核对.
    "trust": "{departments}各存了一份，{age}核对一致，改动会被发现。",
    "trust.one": "{departments}存了一份，{age}核对一致，改动会被发现。",
    "trust.new": "刚登记，其他部门还没核对（一般1分钟内）。",
    "trust.stale": "其他部门已有{age}没核对上，我们在查，不影响您办事。",
    "age.now": "刚刚",
    "age.minutes-ago": "{count}分钟前",
    "age.minutes": "{count}分钟",
    "age.hours": "{count}小时",
    "age.days": "{count}天",
    # what does not agree
    "finding.less": (
        "{approver}批准 {approved}，{payer}只支付了 {given}，还差 {missing}。{by}核对时发现，已列为疑点，"
        "{then}您不用再跑。"
    ),
    "finding.less-ordered": (
        "{approver}批准 {approved}，{payer}只安排了 {given}，还差 {missing}。{by}核对时发现，已列为疑点，"
        "{then}您不用再跑。"
    ),
    "finding.more": (
        "{approver}批准 {approved}，{payer}支付了 {given}，多了 {extra}。{by}核对时发现，已列为疑点，"
        "{then}您现在不用做什么。"
    ),
    "finding.rewritten": (
        "⚠ {department}现在给出的账，和它以前签过名的不一样。{by}核对时发现，已列为疑点，"
        "存有当时的副本，可以作证据。您不用再跑。"
    ),
    "finding.other": ("{by}核对时发现，这件事的记录有对不上的地方，已列为疑点，{then}您不用再跑。"),
    "finding.not-arrived": (
        "{approver}批准 {approved}，过了期限，银行回执到账的只有 {credited}，还差 {missing}。{by}核对时发现，"
        "已列为疑点，{then}您不用再跑。"
    ),
    "finding.nothing-arrived": (
        "{approver}批准 {approved}，过了期限，还没有银行的到账回执。{by}核对时发现，已列为疑点，{then}您不用再跑。"
    ),
    "finding.then.open": "请{department}{day}前说明，有结果会在这里告诉您。",
    "finding.then.explained": "{department}{day}已经说明，还要由无关部门的审计人员看过，有结果会在这里告诉您。",
    "finding.then.confirmed": "{department}{day}查过，情况属实，还没有改正；改正以后，这里会写明。",
    "finding.result.settled": "原来列的疑点，{department}{day}看过说明，已经了结。您现在不用做什么。",
    "finding.result.false-alarm": "原来列的疑点，{department}{day}查过，是误报，记录没有问题。您现在不用做什么。",
    "finding.result.confirmed": "原来列的疑点，{department}{day}查过，情况属实，{mended}已经改正。您现在不用做什么。",
    # notices
    "notice": "{title}有新进展。\n{day}，{department}：{what}。\n{more}\n记录号 {record}。",
    "notice.bare": "您的事情有新进展。\n回“我的办件”或“我的补贴”看详细的。\n记录号 {record}。",
    "notice.money-title": "{what} {amount}",
    "notice.some-money": "您的一笔钱",
    "notice.look": "回“进度 {number}”看详细的。",
    "notice.look-money": "回“补贴 {number}”看详细的。",
    "notice.look.no-number": "回“我的办件”看详细的。",
    "notice.look-money.no-number": "回“我的补贴”看详细的。",
    "notice.credited": "看到钱以后，请回“钱收到了”。",
}
