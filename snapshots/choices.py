from django.db import models


class SnapshotResult(models.IntegerChoices):
    """Why a five-minute slot has a picture or a gap."""

    TAKEN = 0, "已截图"
    OFFLINE = 1, "摄像机离线"
    NO_KEY_FRAME = 2, "取流超时"
    REFUSED = 3, "媒体服务器拒绝"
    UNDECODABLE = 4, "画面无法解码"
    STORAGE = 5, "存储失败"
    NOT_RUN = 6, "平台未运行"
    NOT_H264 = 7, "非 H.264 视频"
    UNREACHABLE = 8, "媒体服务器无法连接"


def is_in_doubt(result: int) -> bool:
    """There was a stream by the ledger, and whoever asks waits for nothing: such cameras come last."""
    return result in (SnapshotResult.NO_KEY_FRAME, SnapshotResult.UNREACHABLE)
