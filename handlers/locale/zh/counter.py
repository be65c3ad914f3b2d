"""What is said in the chat when somebody stands at the counter: taking in, binding, another account."""

TEXTS: dict[str, str] = {
    # #收件
    "do.take-in": "收件",
    "act.take-in": "收件",
    "take-in.list": "收哪一件？请点一下，或者回数字：\n{lines}",
    "take-in.no-matters": "{department}没有可以收件的事项。",
    "take-in.page": "收件：{what}。姓名、身份证号、卡号请在页面里填，不要发到聊天里。",
    "page.open": "打开页面",
    "page.rules": "{time}前有效，只能用一次。拿到链接的人就能以您的名义办，请不要转发。",
    "notice.taken-in": "已收件：{matter} {name}，编号 {number}。\n{choices}",
    "notice.account-given": "已登记新账户：{what} {name}，尾号{tail}，编号 {number}。记录号 {record}。",
    # #绑码
    "do.bind-code": "出绑定码",
    "act.bind-code": "出绑定码",
    "bind-code.nobody": "不知道这件事是谁的。",
    "bind-code.title": "给{name}绑定微信：请本人扫这个码",
    "bind-code.told": (
        "{title}。\n请先看本人的身份证，再点开让本人用自己的微信扫。{time}前有效，只能用一次。\n"
        "扫不了的，请本人发：绑定 {code}"
    ),
    "bind-code.words": (
        "现在出不了二维码，请用数字绑定：{title}。\n请先看本人的身份证，再请本人用自己的微信发：\n绑定 {code}\n"
        "{time}前有效，只能用一次。"
    ),
    # #登记账户
    "do.account": "登记账户",
    "act.account": "登记账户",
    "account.page": "登记新账户：{what}。卡号请在页面里填，不要发到聊天里。",
    "account.no-award": "这件事还没有核定的钱，用不上新账户。",
    "account.arrived": "这笔钱已经到账，用不上新账户。",
    "account.on-its-way": "这笔钱已经在付，账户不能改了；要是没能入账，再来登记。",
    # who scans
    "label.my-cases": "我的办件",
    "label.my-payments": "我的补贴",
    "bind.already": "您早就绑定好了，这个码不用再扫。",
    "bind.is-slip": "这是小票上的编号：看这一件事不用绑定，直接发编号和查询码就行。",
    "bind.scan-wrong": "这个二维码过期了，或者已经有人用过。请窗口的工作人员再出一个，5分钟内用您自己的微信扫。",
}
