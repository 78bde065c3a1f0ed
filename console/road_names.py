"""What roads are called: the main lines of the national network by their list, all others as their cameras tell."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from cameras.models import Camera

# Main lines of the national network (GB/T 917); provincial roads have no list that holds everywhere.
NATIONAL: Final = {
    "G1": "京哈高速", "G2": "京沪高速", "G3": "京台高速", "G4": "京港澳高速", "G5": "京昆高速", "G6": "京藏高速",
    "G7": "京新高速", "G10": "绥满高速", "G11": "鹤大高速", "G12": "珲乌高速", "G15": "沈海高速", "G16": "丹锡高速",
    "G18": "荣乌高速", "G20": "青银高速", "G22": "青兰高速", "G25": "长深高速", "G30": "连霍高速", "G35": "济广高速",
    "G36": "宁洛高速", "G40": "沪陕高速", "G42": "沪蓉高速", "G45": "大广高速", "G50": "沪渝高速", "G55": "二广高速",
    "G56": "杭瑞高速", "G59": "呼北高速", "G60": "沪昆高速", "G65": "包茂高速", "G69": "银百高速", "G70": "福银高速",
    "G72": "泉南高速", "G75": "兰海高速", "G76": "厦蓉高速", "G78": "汕昆高速", "G80": "广昆高速", "G85": "银昆高速",
}  # fmt: skip
# `S38 (常合高速` of `S38 (常合高速) 句容枢纽 K30+200`; 高速公路 is 高速.
_TOLD: Final = re.compile(r"([GSXYZ]\d{1,4})[ (（]*([一-龥]{2,8}?(?:高速|公路|快速路))")
# Cameras of one road that are listened to: all of 20,000 would take a tenth of a second.
_MOST_VOTES: Final = 50


def road_names(cameras: QuerySet[Camera], roads: Iterable[str]) -> dict[str, str]:
    """By road; one that none of `cameras` calls by a name is missing. One query, or none."""
    wanted = set(roads)
    names = {road: NATIONAL[road] for road in wanted & NATIONAL.keys()}
    unnamed = wanted - NATIONAL.keys()
    if not unnamed:
        return names
    there = cameras.order_by().filter(Q(road__in=unnamed) | Q(road__contains="&"))
    place = Window(RowNumber(), partition_by=F("road"), order_by=F("pk").asc())
    votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name in there.annotate(place=place).filter(place__lte=_MOST_VOTES).values_list("name", flat=True):
        for road, told in _TOLD.findall(name):
            votes[road][told] += 1
    # The name of the place that a camera stands at may look like that of a road: most of them decide.
    names |= {road: min(votes[road].items(), key=lambda vote: (-vote[1], vote[0]))[0] for road in unnamed & votes.keys()}
    return names
