"""The words by which people here speak of their affairs: what a homophone or a run of pinyin is read as."""

from collections.abc import Sequence

from bot.sounds import Lexicon

# Whole words, and the pairs that stand in most questions: one character alone has too many others of its sound.
WORD_ROWS = (
    "时间 知道 需要 做什么 可以 关掉 打开 回话 两万 三千 三百 一百 只收到 只到 还差我 能干什么 几百 本月",
    "今天 明天 下午 上午 多长时间 到底 一直 已经 帮忙 看看 问问 妈妈 爸爸 爷爷 还要 材料 审核 申请 居住证",
    "这个钱 那个钱 什么钱 拿居住证 上班时间 别的 不用 麻烦您 没事了 好的 懂了 补贴 补助 津贴 高龄津贴",
    "高龄补贴 老人津贴 救助 救助金 临时救助 低保 低保金 最低生活保障 养老 抚恤 残疾 到账 入账 打款 打钱 发钱",
    "给钱 领钱 发放 转账 汇款 补发 银行 银行卡 卡号 账号 账户 存折 社保卡 换卡 新卡 旧卡 换银行卡 注销 销户",
    "挂失 冻结 退回 钱到 钱发 钱打 钱给 钱呢 的钱 钱没 笔钱 笔款 多少钱 少给 少了 多少 几千 块钱 财政 财政局",
    "民政局 公安局 资料 手续 证件 复印件 照片 租房合同 合同 证明 补正 要补 补材料 交材料 材料齐 还缺 还差",
    "缺什么 办理 受理 审批 批准 批了 批下来 批没 没批 审完 审到 通过 公示 结果 进度 进展 状态 环节 流程 答复",
    "回复 消息 动静 给办 办好 办到 办完 办了 办妥 办下来 快点 加急 发证 领证 拿证 做好 窗口 大厅 便民中心",
    "服务中心 电话 电话号码 地址 上班 下班 开门 关门 休息 几点 周末 节假日 放假 联系方式 人工 客服 工作人员",
    "领导 负责人 态度 投诉 举报 真人 找人 小票 编号 查询码 查询 身份证 手机号 绑定 绑定码 解绑 解除绑定",
    "取消绑定 通知 提醒 短信 推送 订阅 消息设置 别发 告诉我 回执 凭证 存证 收据 撤回 撤销 撤回申请 取消",
    "不想办 菜单 返回 首页 帮助 怎么用 功能 操作 谢谢 你好 您好 在吗 再见 拜拜 重新 开始 重新开始 叫我一声",
    "机器人 哈罗 卡上 卡里 不识字 看不清 先这样 没别的事 麻烦 弄丢 单子 手机 转接 什么 怎么 怎么样 为什么",
    "什么时候 多久 几号 哪天 哪里 有没有 是不是 没收到 收到 收到钱 我的 我妈 我爸 奶奶 到了 到没 发了 发没",
    "打了 下来 还没 没有 到哪 在哪 去哪 条件 资格 这个月 上个月 昨天 几天 老人",
)

# What stands between them, each the meaning of its syllable alone.
CHARACTERS = (
    "我你您他的了吗呢吧没有不是在到发打给钱办批审好完多少久快慢查找人哪里还点天卡证过下来去能可以想要看问"
    "请谢啊呀啦家个这月都跟和接叫缺领换改丢忘喊说走成行中急等催退扣够齐对错别老先算弄用输上见样回开头做笔"
    "款拨"
)

# Nobody means anything else by the sound of these, so they are put right at first sight.
UNMISTAKABLE_ROWS = (
    "补贴 津贴 低保 低保金 救助金 到账 材料 申请 审核 居住证 公示 查询码 编号 绑定 绑定码 凭证 回执 窗口",
    "电话 笔钱 的钱 拿钱 发钱 打钱 钱到 钱发 钱打 钱被 钱还 钱怎么 钱没 钱什么 批了 批下 办好 办完 办到",
    "办下来",
)


def words_in(rows: Sequence[str]) -> list[str]:
    """The words of a table's rows."""
    return " ".join(rows).split()


LEXICON = Lexicon(words_in(WORD_ROWS), CHARACTERS)
HOMOPHONES = Lexicon(words_in(UNMISTAKABLE_ROWS), strict=True)
