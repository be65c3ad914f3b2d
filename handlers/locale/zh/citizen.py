"""What citizens read about the conversation itself: greeting, help, numbers, binding, people."""

TEXTS: dict[str, str] = {
    "and": "、",
    "window": "办事窗口",
    "moment": "{day}{time}",
    # greeting and help
    "welcome": "您好，这里是{area}{department}。回数字就能查：\n{choices}\n也可以把小票上的编号直接发过来。",
    "menu.progress": "我的事办到哪了",
    "menu.payment": "我的钱到了没有",
    "menu.human": "找工作人员",
    "menu.here": "回数字就能查：\n{choices}\n也可以把小票上的编号直接发过来。",
    "help": (
        "您可以这样发给我：\n进度 加编号和查询码：看办到哪了\n补贴 加编号和查询码：看钱到了没有\n"
        "我的办件、我的补贴：绑定以后，不用编号\n钱收到了：告诉我们您收到了\n撤回申请：不想办了\n"
        "绑定 加绑定码，解绑\n人工：找工作人员\n菜单：从头开始。English：说英语"
    ),
    "help.or": "也可以：\n{choices}",
    "not-understood": "这句话我没看懂。您可以回数字：\n{choices}\n或者把小票上的编号发过来。",
    "not-understood.topic": (
        "您说的好像是“{topic}”，别的我没看懂。您可以回数字：\n{choices}\n或者把小票上的编号发过来。"
    ),
    "not-understood.english": "For English, please write: English",
    "not-open": "这个功能还没有开通。",
    "thanks": "不客气。还有别的事，随时发给我。",
    "dropped": "好的，没有登记，什么都没有改。",
    "nothing-to-confirm": "现在没有等您确认的事。",
    "language": "好的，以后用中文回答您。",
    "busy": "现在用的人多，这一条没有办成。请过一会儿再发一次。",
    "failed": "我们这里出了点问题，这一条可能没有办成。请过一会儿看看，或者回“人工”找工作人员。",
    "not-sealed": "这样发来的消息，我们认不出是不是您本人，所以这件事不能在这里办。请找工作人员。",
    "heads.one": "您有{count}条新消息：\n{notices}",
    "heads.many": "您有{count}条新消息：\n{notices}",
    # people
    "human.why.not-received": "您说没收到钱。在这里登记“没收到”的功能还没有开通，请直接找工作人员，他们会去问银行。",
    "human.why.wrong-amount": "您说数目不对。在这里登记“数目不对”的功能还没有开通，请直接找工作人员，他们会去查。",
    # kinds of messages
    "voice.empty": (
        "我听不了语音。请点输入框，用键盘上的话筒说话，会变成文字；或者回 1 {progress}，2 {payment}，3 {human}。"
    ),
    "voice.progress": "查进度",
    "voice.payment": "查补贴",
    "image": "我看不了图片，图片没有保存。查询只要小票上的编号，用数字发过来就行；要交材料，请带到{place}。\n{choices}",
    "video": "我看不了视频，视频没有保存。请用文字告诉我，或者回数字：\n{choices}",
    "location": "谢谢您发来位置，查询用不到它，没有保存。要找办事窗口，请看：\n{human}",
    "link": "我打不开别人转来的网页，也请您小心里面的链接。要查询，请回数字：\n{choices}",
    "sticker": "收到您的表情了。要查询，请回数字：\n{choices}",
    "masked": "请不要在聊天里发身份证号、银行卡号，我没有保存。查询只要小票上的编号。",
    # numbers
    "number.ask": "请把小票上的编号发过来，后面加上8位查询码。\n在窗口绑定过的，不用编号，回“我的办件”就行。",
    "number.stranger": "要看这件事，请在编号后面加上小票上的8位查询码。",
    "number.mistyped": "编号好像输错了一位，请再看一下小票。",
    "number.wait": "查询码试错的次数太多了，请过一小时再试。急的话，请带小票到窗口问。",
    # binding
    "bind.how": "请到窗口带身份证领一个绑定码，然后发：绑定 加绑定码。绑定以后，不用编号也能查，有新进展也会告诉您。",
    "bind.done": "绑定好了。以后不用编号，回“我的办件”或“我的补贴”就能看。\n{since}起，可以在这里确认钱收到了。",
    "bind.officer": "绑定好了，{name}。请先登录：#登录 加6位动态码。",
    "bind.told": "{day}{time}，又有一个微信号绑定了您的信息。不是您本人办的，请马上打电话或到窗口：{window} {phone}",
    "bind.wrong": "绑定码不对，或者已经过期、用过了。请在窗口再领一个。",
    "bind.wait": "绑定码试错的次数太多了，请过一小时再试，或者到窗口找工作人员。",
    "unbind.done": "已经解绑。这个微信号不再能看您的办件和补贴，也不会再收到通知。想再绑定，请到窗口领绑定码。",
    "unbind.none": "这个微信号没有绑定，不用解绑。",
    "need-binding": "这件事要本人绑定以后才能办。{how}",
    "need-day": "为了您的钱安全，刚绑定的微信号要等一天。{since}以后，请再来确认。",
}
