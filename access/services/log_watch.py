"""The behaviour log verified every night: an edit is found the next morning, not at the next inspection."""

import logging

from access.choices import Severity
from access.services.alarms import close_alarm, raise_alarm
from access.services.log_anchors import AnchorError, anchor_file, read_anchors
from access.services.log_verification import verify_log
from protocol.faults import fault_words

logger = logging.getLogger(__name__)

ALARM = "behaviour-log"


def watch_log() -> int:
    """Verify all of it against the anchors at hand; how many flaws there are. Each is named by `manage.py verify_log`."""
    file = anchor_file()
    try:
        anchors = list(read_anchors(file)) if file.exists() else []
        flaws = [flaw.words for flaw in verify_log(anchors).flaws]
    except AnchorError as error:
        flaws = [f"锚点文件无法使用：{error}"]
    except OSError as error:
        flaws = [f"锚点文件无法使用：{fault_words(error, '无法读取')}"]
    if not flaws:
        close_alarm(key=ALARM)
        return 0
    logger.error("the behaviour log is not what was sealed: %s", flaws)
    raise_alarm(
        key=ALARM,
        title=f"操作日志核对不符，共 {len(flaws)} 处",
        message=f"{flaws[0]}；全部见 manage.py verify_log。请保护现场并查明是谁改动了数据库",
        severity=Severity.CRITICAL,
    )
    return len(flaws)
