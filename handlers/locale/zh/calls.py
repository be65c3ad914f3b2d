"""What officers read on the list of whom to telephone."""

TEXTS: dict[str, str] = {
    "calls.head": "有{count}人的消息没有送到，请打电话：",
    "calls.none": "现在没有要打的电话。",
    "calls.all": "看全部电话名单",
    "do.called": "打过了",
    "calls.line": "{day}起 {name} {number} {about}：{what}{news}",
    "calls.line.news": "（一共{count}条）",
    "calls.line.security": "{day}起 有一条没有编号的消息没有送到，请等本人来问。",
    "calls.which": "请写上名单里的号：{word} 加号。名单在 #待办 里。",
    "calls.unknown": "名单里没有这一条：可能已经打过，或者本人已经看到了。",
    "calls.noted": "记下了，已经打过电话。本人下次来消息时还会看到。没有产生记录。",
    "calls.undo": "按错了，放回名单",
    "calls.back": "放回名单了。",
    "staff.nameless-person": "（姓名看不到）",
}
