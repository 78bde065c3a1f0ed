"""Pages of staff, and the JSON and parts their modules ask for."""

from django.urls import path

from console.views import (
    acceptance,
    analysis,
    cameras,
    ministry,
    pages,
    ptz,
    roads,
    sign_in,
    snapshots,
    state,
    streams,
    tree,
)

app_name = "console"
urlpatterns = [
    path("", pages.wall, name="wall"),
    path("analysis/", analysis.analysis, name="analysis"),
    path("streams/", streams.streams, name="streams"),
    path("streams/standing/", streams.standing, name="streams_standing"),
    path("streams/pushes/", streams.pushes, name="streams_pushes"),
    path("acceptance/", acceptance.acceptance, name="acceptance"),
    path("acceptance/<int:report_id>/", acceptance.report, name="acceptance_report"),
    path("acceptance/<int:report_id>/standing/", acceptance.standing, name="acceptance_standing"),
    path("acceptance/<int:report_id>/<int:picture_id>.jpg", acceptance.picture, name="acceptance_picture"),
    path("ministry/", ministry.ministry, name="ministry"),
    path("ministry/<int:platform_id>/standing/", ministry.standing, name="ministry_standing"),
    path("ministry/<int:platform_id>/calls/", ministry.calls, name="ministry_calls"),
    path("ministry/<int:platform_id>/retry/", ministry.retry, name="ministry_retry"),
    path("ministry/<int:platform_id>/retry-parked/", ministry.retry_parked, name="ministry_retry_parked"),
    path("ministry/<int:platform_id>/check/", ministry.check, name="ministry_check"),
    path("ministry/<int:platform_id>/repair/", ministry.repair, name="ministry_repair"),
    path("ministry/<int:platform_id>/token/", ministry.new_token, name="ministry_token"),
    path("login/", sign_in.login, name="login"),
    path("logout/", sign_in.logout, name="logout"),
    path("console/tree/", tree.tree, name="tree"),
    path("console/tree/<int:organisation_id>/", tree.branch, name="branch"),
    path("console/search/", tree.search, name="search"),
    path("console/api/state/", state.state, name="state"),
    path("console/api/cameras/", cameras.cards, name="cards"),
    path("console/api/cameras/<int:camera_id>/", cameras.card, name="card"),
    path("console/api/cameras/<int:camera_id>/play/", cameras.play, name="play"),
    path("console/api/cameras/<int:camera_id>/ptz/", ptz.order, name="ptz"),
    path("console/api/cameras/<int:camera_id>/strip/", snapshots.strip, name="strip"),
    path("console/api/roads/<str:name>/", roads.road, name="road"),
]
