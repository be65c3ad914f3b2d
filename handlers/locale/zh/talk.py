"""What citizens read around their questions: what was understood, where people are, guidance, and 消息设置."""

TEXTS: dict[str, str] = {
    "test.mark": "【测试】人和事都是虚构的，什么都不算数。",
    "test.title": "测试 {title}",
    # what a question was taken for
    "heard": "我听到的是“{words}”。",
    "taken.about": "（{names}）",
    "taken.word": "您说的是“{word}”。",
    "taken.english": "For English, please write: English",
    "taken.money": "您问的是补贴{about}。",
    "taken.progress": "您问的是进度{about}。",
    "taken.papers": "您问的是材料{about}。",
    "taken.apply": "您问的是怎么申请{about}。",
    "taken.withdraw": "您说的是撤回申请。",
    "taken.account": "您说的是银行卡、卡号。",
    "taken.receipt": "您问的是回执。",
    "taken.notices": "您说的是消息通知。",
    "taken.bind": "您问的是绑定。",
    "taken.slip": "您问的是编号和查询码。",
    "taken.human": "您要找工作人员。",
    "taken.window": "您问的是窗口、时间和电话。",
    "mine.cases.other": "您名下没有您说的这种办件（{names}）。",
    "mine.payments.other": "您名下没有您说的这种补贴（{names}）。",
    # people
    "human.window": "工作人员在这里等您：{window}。",
    "human.no-window": "窗口的地址还没有登记在这里，请到{area}{department}的办事窗口，带上身份证或者小票。",
    "human.hours": "时间：{hours}。{now}",
    "human.no-hours": "时间还没有登记在这里，去以前请先打电话问一下。",
    "human.open": "现在开着，{until}关。",
    "human.closed": "现在没开，{day}{time}开。",
    "human.phone": "电话：{phone}。",
    "human.no-phone": "电话还没有登记在这里。",
    "human.12345": "也可以打 12345，政务服务便民热线。",
    "human.family": "您也可以请家人带上小票来问。",
    "human.urgent": "有人有危险的话，请马上打 110 或 120。日子过不下去，请告诉我们的工作人员，或者打 12345：",
    # guidance
    "guide": "{body}\n{choices}",
    "guide.mine": "看我的办件",
    "guide.bind": (
        "绑定：请带身份证到窗口领绑定码，然后发：绑定 加绑定码。\n解绑：请发“解绑”。\n"
        "微信号没有变，换手机不用再绑定；换了微信号，请到窗口再领一个绑定码。"
    ),
    "guide.slip": (
        "编号和8位查询码印在受理时给您的小票上，请一起发过来：编号 空一格 查询码。\n"
        "小票找不到了：请带身份证到窗口，工作人员帮您查。\n"
        "在窗口绑定过的，不用编号。\n查询不用身份证号和手机号，请不要发在这里。"
    ),
    "guide.account": (
        "换卡、改卡号，要本人到窗口登记：带身份证和新卡，到{place}。请不要把卡号发在这里。\n"
        "没能打进旧卡的钱，登记以后再补发，不用重新申请。"
    ),
    "guide.withdraw": (
        "还没有作决定的申请可以撤回。撤回以后不再办理，想再办要重新申请。要撤回的话，我先请您核对一遍："
    ),
    "guide.withdraw.begin": "撤回申请",
    "guide.apply": "申请请到窗口办。您想申请哪一样？请回数字，看要带什么：",
    "guide.apply.theirs": "这件事由{department}办。",
    "guide.apply.where": "申请{matter}，请到{place}，工作人员看过材料，当场告诉您还缺什么。",
    "guide.apply.bring": "您要带：{papers}。",
    "guide.apply.fetched": "不用您带，我们向别的部门取：{papers}。",
    "guide.elsewhere": (
        "您想办的这件事，这里好像办不了。归哪个部门办、要带什么，可以打 12345 问，那边会告诉您，不用白跑一趟。"
    ),
    "guide.elsewhere.theirs": "别的部门在这里能查的：{matters}。",
    "guide.elsewhere.whose": "{matter}（{department}）",
    "guide.elsewhere.ours": "在{department}可以申请的，回数字看要带什么：",
    # 消息设置
    "messages.on": "消息现在开着。有新进展，我们这样告诉您：\n您发来消息以后48小时里，在这里发给您。",
    "messages.subscribed": "过了48小时，用您订阅的那条通知发给您。",
    "messages.not-subscribed": "过了48小时，要您先点一次订阅，微信才让我们发。您现在没有订阅，或者已经用完。",
    "messages.no-subscription": "过了48小时，微信不让我们主动发，本部门还没有开通订阅通知。",
    "messages.last": "都送不到的，您下次来消息时先给您看，也列进工作人员的电话名单。",
    "messages.off": (
        "消息现在关着，我们不主动发给您。有新进展，您下次来消息时先给您看。\n有人绑定您的信息这样的事，还是会告诉您。"
    ),
    "messages.turned-off": "好的，消息关掉了。",
    "messages.turned-on": "好的，消息打开了。",
    "messages.unbound": "这个微信号还没有绑定，现在还没有谁的消息可以发给您。{how}",
    "messages.turn-off": "关掉消息",
    "messages.turn-on": "打开消息",
    "messages.subscribe": "订阅通知",
    "messages.offer": "钱到了要不要通知您？",
    "messages.want": "要通知我",
    "messages.tap": "打开订阅",
    "messages.how-to-tap": (
        "微信要您自己点一下：{link}，再点“订阅”。\n点好以后，过了48小时也能通知您。不点也没关系，您随时来问都能看到。"
        "\n{choices}"
    ),
    "messages.tapped": "订阅好了。有新进展，过了48小时也能用通知发给您。",
    "messages.not-tapped": "好的，没有订阅。有新进展，您下次来消息时先给您看。",
    # fields of a subscription notice
    "field.title": "您有一条新消息",
    "field.security": "您的信息被别的微信绑定",
    "field.look": "请打开公众号查看",
    # kinds of messages
    "unsupported": "这种消息我打不开，没有保存。请用文字告诉我，或者回数字：\n{choices}",
    "file": "我打不开文件，文件没有保存。要交材料，请带到窗口：{place}。\n{choices}",
}
