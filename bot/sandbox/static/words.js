// The page's fixed words in both its languages, and which of them is chosen. What the cast says comes with both.

const WORDS = {
  zh: {
    title: "一次办 · 微信沙盒", brand: "一次办", subtitle: "青禾县演示：两部手机，一台电脑，没有外网", language: "English", skip: "跳到试试这6步",
    citizen: "居民", officer: "工作人员", guide: "试试", views: "看哪一部分", phoneOf: "的手机",
    steps: "试试这6步", next: "下一步", finished: "6步都试过了", working: "正在等回答……", fresh: "等一组新的动态码……", waiting: "等另一个部门的记录传到……",
    notThere: "这一步现在还做不了，请先做前面的几步。", done: "已完成", why: "为什么",
    levers: "按下按钮", department: "部门", press: "按下", leversGone: "管按钮的程序没有回应。",
    send: "发送", write: "发消息", more: "更多", chat: "聊天记录", typing: "对方正在输入…", back: "返回公众号列表", chats: "微信",
    unread: (count) => `${count}条未读`, notice: "通知", qr: "二维码", empty: "还没有消息。写一句话，或者点下面的菜单。",
    subscribe: "关注公众号", unsubscribe: "取消关注", scan: "扫一扫", popup: "订阅一次通知", left: "关注后才能发消息",
    scanHint: "手边能扫的二维码。点一个，就是用这部手机扫它。", slips: "手里的小票", live: "别的手机上正亮着的二维码", liveCode: "屏幕上的二维码", noSlips: "手里没有小票。",
    noLive: "现在没有。工作人员在窗口做出绑定码，会出现在这里。", ends: (left) => `还有${left}`, byHand: "或者输入二维码里的内容", confirm: "扫码", close: "关闭",
    expired: "这个二维码已经过期，请让工作人员再做一个。",
    code: "动态码", useCode: "填进输入框", codeLeft: (left) => `${left}秒后换`, codeEarly: () => "下一组，现在可用", codeSpent: (left) => `${left}秒后有新的`,
    use: "填进输入框", offline: "沙盒没有回应，请看看演示是否还在运行。", yesterday: "昨天", says: "说：", newIn: "有新消息",
    day: (month, day) => `${month}月${day}日`, seconds: (count) => `${count}秒`, minutes: (count) => `${count}分钟`,
    did: { subscribe: "您关注了公众号", unsubscribe: "您取消了关注", SCAN: "您扫了二维码", CLICK: "您点了", VIEW: "您打开了",
      subscribe_msg_popup_event: "您订阅了一次通知" },
  },
  en: {
    title: "OneTrip · WeChat sandbox", brand: "OneTrip", subtitle: "Qinghe county, a demo: two phones, one computer, no internet", language: "中文", skip: "Skip to the six things to try",
    citizen: "Citizen", officer: "Officer", guide: "Try", views: "What to look at", phoneOf: "’s phone",
    steps: "Six things to try", next: "Next", finished: "All six are done", working: "Waiting for the answer …", fresh: "Waiting for a fresh code …", waiting: "Waiting for another department’s record …",
    notThere: "This cannot be done yet; please do the ones before it first.", done: "done", why: "Why",
    levers: "Press the button", department: "Department", press: "Press", leversGone: "Whoever holds the buttons does not answer.",
    send: "Send", write: "Message", more: "More", chat: "Chat", typing: "Typing…", back: "Back to the list of accounts", chats: "WeChat",
    unread: (count) => `${count} unread`, notice: "Notice", qr: "QR code", empty: "No messages yet. Write something, or tap the menu below.",
    subscribe: "Follow", unsubscribe: "Unfollow", scan: "Scan", popup: "Allow one notice", left: "Follow the account to write",
    scanHint: "Codes within reach. Tap one, and this phone scans it.", slips: "Slips in hand", live: "Codes shown on other screens now", liveCode: "Code on a screen", noSlips: "No slips in hand.",
    noLive: "None now. When an officer makes a binding code at the counter, it appears here.", ends: (left) => `${left} left`, byHand: "Or type what a code says", confirm: "Scan", close: "Close",
    expired: "This code has ended; ask the officer for a new one.",
    code: "Code", useCode: "Put into the message", codeLeft: (left) => `changes in ${left}s`, codeEarly: () => "the next, good now", codeSpent: (left) => `a new one in ${left}s`,
    use: "Put into the message", offline: "The sandbox does not answer. Is the demo still running?", yesterday: "Yesterday", says: "says:", newIn: "has news",
    day: (month, day) => `${day}/${month}`, seconds: (count) => `${count} s`, minutes: (count) => `${count} min`,
    did: { subscribe: "You followed the account", unsubscribe: "You left the account", SCAN: "You scanned a code",
      CLICK: "You tapped", VIEW: "You opened", subscribe_msg_popup_event: "You allowed one notice" },
  },
};

const chosen = { language: "zh" };

/** The fixed words in the language chosen now. */
export const words = () => WORDS[chosen.language];

export const language = () => chosen.language;

export function speak(wanted) {
  chosen.language = wanted in WORDS ? wanted : "zh";
}

/** What the cast says, in the language chosen now. */
export const said = (both) => (both ? both[chosen.language] || both.zh || "" : "");
