"""The document's numbers (appendix 1 and appendix 3), and nowhere else."""

from enum import IntEnum


class Code(IntEnum):
    """Appendix 3: what an answer of `/service/` says in `code`."""

    OK = 200
    ALREADY_PUSHING = 201
    MALFORMED = 400
    FORBIDDEN = 403
    NOT_FOUND = 404
    INTERNAL = 500


class OnlineStatus(IntEnum):
    """`online` of ReportCameraStatus. GetCameraPlayURL tells FAULT as 0."""

    OFFLINE = 0
    ONLINE = 1
    FAULT = 2


class QualityFlag(IntEnum):
    """Places of ReportCameraQuality's nine digits, counted from the left."""

    OFFLINE = 0
    SIGNAL_LOST = 1
    OCCLUDED = 2
    BLURRED = 3
    BRIGHTNESS = 4
    FROZEN = 5
    NOISE = 6
    FLICKER = 7
    STRIPES = 8


class ItemStatus(IntEnum):
    """`status` of one backResult entry, and of a PTZControl answer."""

    DONE = 0
    FAILED = 1


class VideoType(IntEnum):
    LOW = 0
    HIGH = 1


class PtzAction(IntEnum):
    """`action` of PTZControl. The document has 1 to 12; 0, 13 and 14 were seen from real clients."""

    STOP = 0
    LEFT = 1
    RIGHT = 2
    UP = 3
    DOWN = 4
    # 变倍短 is the short focal length, a wider view; 变倍长 brings the scene nearer.
    ZOOM_OUT = 5
    ZOOM_IN = 6
    FOCUS_NEAR = 7
    FOCUS_FAR = 8
    IRIS_CLOSE = 9
    IRIS_OPEN = 10
    LIGHT_OFF = 11
    LIGHT_ON = 12
    STOP_LENS = 13
    HOME = 14


class Classify(IntEnum):
    """Where the camera stands."""

    DEFAULT = 0
    ROADSIDE = 1
    BRIDGE = 2
    TUNNEL = 3
    TOLL_PLAZA = 4
    TOLL_STATION = 5
    SERVICE_AREA = 6
    ETC_GANTRY = 7
    MOBILE = 8


class Orientation(IntEnum):
    """UP follows growing pile numbers, DOWN falling ones."""

    UP = 0
    DOWN = 1
    BOTH = 2


class CameraType(IntEnum):
    FIXED = 1
    DOME = 2
    PANORAMIC = 3
    CAPTURE = 4
