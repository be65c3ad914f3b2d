"""Who belongs to the network: what an administrator reads and agrees to."""

TEXTS = {
    "do.agree-join": "同意加入",
    "do.agree-leave": "同意退出",
    "do.agree-list": "看一看",
    "act.agree-join": "同意加入",
    "act.agree-leave": "同意退出",
    "line.agree-join": "同意 {name}（{origin}）加入互相核对的网络。{words}{so_far}",
    "line.agree-leave": "同意 {name}（{origin}）退出互相核对的网络，以后它的见证不再算数。{so_far}",
    "epochs.words": "\n请先打电话，对方念出的必须是：{words}\n",
    "epochs.introduced": (
        "\n介绍它的部门：{departments}；地址：{url}。本部门还没有连过这个地址，您签名以后才连。\n"
        "请先打电话给对方（号码自己查，不要用别人给的），对方念出的必须是：{words}\n"
    ),
    "epochs.first": "还没有部门同意，要{needed}家",
    "epochs.so-far": "已同意的：{departments}，要{needed}家",
    "epochs.by-us": "，本部门已同意",
    "epochs.again": "，各部门同意的不一样，都不够数：打电话商量好，再同意一次",
    "epochs.not-compared": "，本部门还没和它核对过八个词（peers invite）",
    "epochs.introduced-by": "，{departments}介绍，等本部门打电话核对八个词",
    "epochs.introduced-unlike": "，各部门介绍的不一样，不能在这里同意",
    "epochs.entry.joined": "{name}要加入：{so_far}{own}",
    "epochs.entry.left": "{name}要退出：{so_far}{own}",
    "epochs.members": "现在是第{number}期，共{count}个部门。",
    "epochs.head": "等部门同意的：",
    "epochs.more": "还有{count}件，先办上面的。",
    "epochs.nothing": "现在没有要同意的。",
    "epochs.waiting": "现在等着加入的是：{departments}。",
    "epochs.no-network": "本部门还不在网络里：首批部门各运行一次 peers found；后来的，由已在的部门同意。",
    "inbox.epochs": "有{count}件部门加入或退出的事等本部门同意：{link}",
    "refused.agree-join-unknown": "没有叫{name}的部门在等着加入。{waiting}",
    "refused.agree-leave-unknown": "网络里没有叫{name}的部门。",
    "refused.not-compared": (
        "本部门还没有和{name}核对过八个词。请管理员先在服务器上运行 peers invite，打电话核对以后再同意。"
    ),
    "refused.introduced-unlike": (
        "{departments}对{name}的介绍不一样（密钥或地址），可能有人冒充。请先打电话问清楚；"
        "真要加入的，请管理员在服务器上运行 peers invite，和对方核对八个词。"
    ),
    "refused.cannot-follow": (
        "本部门没法和{name}互相核对：它的名称、号段和已有部门分不清，或者地址不是 https 开头。"
        "原因（英文，可以转给对方的管理员）：{why}"
    ),
    "refused.several-joining": (
        "叫{name}的有{count}家：{origins}，可能有人冒充。请先打电话问清楚是哪一家，"
        "再写明它的记录名，例如：#同意加入 {example}"
    ),
    "refused.agreed-already": "本部门已经同意过了，正在等别的部门。",
    "refused.another-change": "另一件加入或退出的事还没有定下来，一次只能定一件。发 #同意加入 看一看。",
    "refused.member-already": "这个部门已经在网络里了。",
    "refused.no-member": "这个部门现在不在网络里。",
    "refused.too-few": "退出以后就剩一个部门，没有人互相核对了。",
    "refused.not-in-network": "本部门还不在网络里，不能替网络作主。",
    "refused.epoch-changed": "网络的成员刚刚变了，请重新看一下再同意。",
    "refused.network-exists": "本部门已经在一个网络里了。",
    "refused.two-successors": "本部门在这一轮已经同意过一件了。",
    "refused.too-many-foundings": "本部门发起网络的次数太多了，不能再发起。",
    "refused.too-many-ballots": "这一期里本部门同意的次数已经用完了，请打电话和其他部门商量。",
    "refused.too-many-votes": "本部门同意加入、退出的总次数已经用完了，要换一套新的记录才能再同意。",
}
