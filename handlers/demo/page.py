"""The one page that the terminal shows when the demo is up: where things are, and what to try."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.demo.sites import Site

_PAGE = """\
一次办 OneTrip · 青禾县的演示网络已经准备好了。按 Ctrl-C 全部停止。

  微信（演示）  {sandbox}
{nodes}

打开“微信（演示）”：左边居民，右边工作人员，照着“试试这6步”点下去；最后一步，按按钮改账。
也可以自己说：
  王桂兰 → {county_one}   我的钱到了没
  周大山 → {county_one}   我的补贴          批准3,000元，只付了300元，看看是谁发现的
  孙丽   → {county_one}   我的补贴          没到账的那一笔，为什么，什么时候补
  陈志强 → {police}   进度 {chen}
  何秀英 → {county_one}   进度 {he}

当一回工作人员（林芳 → 高伟 → 吴倩 → 马骏，走完何秀英的高龄津贴）：
  {python} -m handlers.demo.codes    每个人此刻的6位动态码
  林芳 → {county_one}     #登录 动态码，然后 #待办

让第五个部门加入，由郑洁、钱伟、孔亮、韩冰（四个部门的管理员）签字同意：照着 docs/network.md 的
“Let a fifth department join the demo” 做。

部门之间自己核对（会列出周大山的疑点，退出码是1）：
  {python} app.py --env-file {env} crosscheck
  {python} app.py --env-file {env} verify

给程序用的说明：{description}
各部门的运行日志：{logs}
"""


def page(
    sandbox_url: str, sites: Sequence[Site], description: Mapping[str, Any], description_file: Path, python: str
) -> str:
    """The page of URLs and things to try."""
    slips = {
        one["name"]: f"{one['cases'][0]['number']} {one['cases'][0]['query_code']}" for one in description["citizens"]
    }
    return _PAGE.format(
        sandbox=f"{sandbox_url}/",
        nodes="\n".join(f"  {site.name}        {site.url}/log/checkpoint" for site in sites),
        county_one=sites[0].name,
        police=sites[2].name,
        chen=slips["陈志强"],
        he=slips["何秀英"],
        python=python,
        env=sites[0].env_file,
        description=description_file,
        logs=description_file.parent / "*.log",
    )
