"""What anybody reads about a finding. It accuses nobody, and addresses nobody."""

TEXTS: dict[str, str] = {
    "exhibit.title": "疑点",
    "exhibit.name": "疑点 {id}，规则 {rule}",
    "exhibit.other": "有关的记录对不上",
    "exhibit.state": "现在",
    "exhibit.state.open": "待说明",
    "exhibit.state.explained": "已作说明，等审计部门的结论",
    "exhibit.state.settled": "结论：已说明",
    "exhibit.state.confirmed": "结论：属实",
    "exhibit.state.false-alarm": "结论：误报",
    "exhibit.state.ended": "已经一致",
    "exhibit.departments": "涉及部门",
    "exhibit.answer-by": "最晚哪天说明",
    "exhibit.raised": "发现时间",
    "exhibit.ended": "结束时间",
    "exhibit.moment": "{day} {time}",
    "exhibit.sources": "比的是哪几条记录",
    "exhibit.source": "{what}（序号 {index}）",
    "exhibit.sources.more": "还有别的记录，在给程序用的那一份里。",
    "exhibit.log": "比的是整份存证记录：{origin}",
    "exhibit.evidence": "证据",
    "exhibit.evidence.what": "{department}签过两份存证记录，最多有一份是真的：",
    "exhibit.evidence.head": "{size}条，根是 {root}",
    "exhibit.evidence.file": "下载证据文件",
    "exhibit.meaning": (
        "疑点：签过名的记录对不上。它不说是谁错了，只请有关部门说明。谁手里有同样的记录，都会查出同一个疑点。"
    ),
    "exhibit.more": "经过，和怎么自己核对",
    "exhibit.how.records": "点开上面的每一条记录，都有一份谁都能核对的回执。",
    "exhibit.how.evidence": (
        "拿证据文件和这个部门的公钥（向两个不相关的部门要），在自己的电脑上运行，不用相信任何一个部门："
    ),
    "exhibit.how.json": "给程序用的同样内容",
    "exhibit.unknown.title": "这里没有这个疑点",
    "exhibit.unknown": "请看一下网址是不是完整：最后一段是8个字符。",
    "exhibit.unknown.elsewhere": "{here}自己没有查出过它。别的部门查出的，请到那个部门的网页上看。",
}
