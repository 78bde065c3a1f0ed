"""The published schema: whole, closed, and true to the document's samples."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.test import Client
from jsonschema_rs import Draft202012Validator

from access.models import User
from access.operations import Operation
from access.verbs import VerbView
from access.views import published_schema
from tests.access.test_urlconf import verbs
from tests.cast import PASSWORD, Caller
from tests.protocol.samples import sample

# What the document prints, by verb: the request's body, the answer.
SAMPLES = {
    "TokenInfo": (None, "token_info_answer"),
    "VideoInformation": ("video_information", "video_information_answer"),
    "VideoInformationDel": ("video_information_del", "video_information_del_answer"),
    "ReportCameraStatus": ("report_camera_status", "plain_answer"),
    "ReportCameraQuality": ("report_camera_quality", "plain_answer"),
    "ReportAnalyse": ("report_analyse", "plain_answer"),
    "GetCameraPlayURL": (None, "get_camera_play_url_answer"),
    "PTZControl": (None, "ptz_control_answer"),
    "SnapShot": (None, "snap_shot_answer"),
}


def operation_of(verb: str) -> dict[str, Any]:
    methods = published_schema()["paths"][f"/service/video.{verb}"]
    (found,) = methods.values()
    return dict(found)


def content_of(part: dict[str, Any]) -> dict[str, Any]:
    return dict(part["content"]["application/json"])


def faults(schema: dict[str, Any], value: object) -> list[str]:
    whole = {**schema, "components": published_schema()["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


def test_the_schema_is_valid_and_generated_without_a_warning() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")


def test_every_verb_is_published() -> None:
    published = set(published_schema()["paths"])
    assert published == {f"/{route}" for route in verbs()} | {"/oauth/token/"}


def test_every_verb_has_a_description_of_its_own() -> None:
    views: set[type[VerbView]] = set(verbs().values())
    told = [view.operation for view in views]
    assert all(isinstance(each, Operation) for each in told)
    assert len({id(each) for each in told}) == len(views)


def test_no_object_is_left_open_by_accident() -> None:
    found = list(objects(published_schema()))
    assert len(found) > 20
    for each in found:
        assert each["properties"] and set(each["required"]) <= set(each["properties"]), each
        assert each["additionalProperties"] in (True, False)
    # What is taken in may have more keys, and says that it ignores them.
    assert {each["description"] for each in found if each["additionalProperties"]} == {
        each["description"]
        for each in found
        if "忽略" in each["description"] or "HTTP Basic" in each["description"]
    }


@pytest.mark.parametrize("verb", sorted(SAMPLES))
def test_examples_are_the_documents_samples_and_fit_the_schema(verb: str) -> None:
    operation = operation_of(verb)
    body_name, answer_name = SAMPLES[verb]
    answer = content_of(operation["responses"]["200"])
    for example in answer["examples"].values():
        assert faults(answer["schema"], example["value"]) == []
        assert_printed_first(sample(answer_name), example["value"])
    if body_name is None:
        assert "requestBody" not in operation
        return
    body = content_of(operation["requestBody"])
    assert faults(body["schema"], sample(body_name)) == []
    for example in body["examples"].values():
        assert faults(body["schema"], example["value"]) == []


@pytest.mark.parametrize("path", ["gateway.GetConfiguration", "gateway.ReportConfiguration"])
def test_examples_of_our_own_verbs_fit_the_schema(path: str) -> None:
    (operation,) = published_schema()["paths"][f"/service/{path}"].values()
    parts = [operation["responses"]["200"], *filter(None, [operation.get("requestBody")])]
    assert len(parts) == (2 if path.endswith("ReportConfiguration") else 1)
    for part in map(content_of, parts):
        for example in part["examples"].values():
            assert faults(part["schema"], example["value"]) == []


def assert_printed_first(printed: Any, ours: Any) -> None:
    """Whatever the document prints is there, with its values, its keys first and in its order."""
    if isinstance(printed, dict):
        assert list(ours)[: len(printed)] == list(printed)
        for key, value in printed.items():
            assert_printed_first(value, ours[key])
    elif isinstance(printed, list):
        assert len(ours) == len(printed)
        for theirs, mine in zip(printed, ours, strict=True):
            assert_printed_first(theirs, mine)
    else:
        assert ours == printed


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_strangers_read_it_only_where_that_is_allowed(path: str, settings: LazySettings) -> None:
    refused = Client().get(path)
    if path == "/api/docs/":
        assert (refused.status_code, refused.headers["Location"]) == (302, "/login/?next=/api/docs/")
    else:
        assert (refused.status_code, refused.headers["Content-Type"]) == (
            403,
            "application/json; charset=utf-8",
        )
        assert refused.json()["code"] == 403 and "TAuth" in refused.json()["msg"]
    assert Client().get(path, headers={"TAuth": "nobody's"}).status_code in (302, 403)
    settings.API_DOCS_PUBLIC = True
    assert Client().get(path).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
def test_staff_and_partners_read_it(path: str, operator: User, gateway_partner: Caller) -> None:
    assert Client().get(path, headers={"TAuth": gateway_partner.issued.token}).status_code == 200
    desk = Client()
    assert desk.login(username=operator.username, password=PASSWORD)
    assert desk.get(path).status_code == 200


@pytest.mark.django_db
def test_a_partner_reads_it_from_its_own_networks_only(gateway_partner: Caller) -> None:
    gateway_partner.partner.allowed_networks = ["10.1.0.0/16"]
    gateway_partner.partner.save()
    assert Client().get("/api/schema/", headers={"TAuth": gateway_partner.issued.token}).status_code == 403


def test_it_comes_as_yaml_and_as_json(settings: LazySettings) -> None:
    settings.API_DOCS_PUBLIC = True
    yaml, asked, accepted = (
        Client().get("/api/schema/"),
        Client().get("/api/schema/?format=json"),
        Client().get("/api/schema/", headers={"Accept": "application/json"}),
    )
    assert yaml.headers["Content-Type"] == "application/yaml; charset=utf-8"
    assert yaml.content.startswith(b"openapi: 3.1")
    assert asked.headers["Content-Type"] == "application/json; charset=utf-8"
    assert asked.json() == accepted.json() == published_schema()


def test_the_page_names_everything_and_loads_nothing_from_elsewhere(settings: LazySettings) -> None:
    settings.API_DOCS_PUBLIC = True
    response = Client().get("/api/docs/")
    page = response.content.decode()
    for path, methods in published_schema()["paths"].items():
        assert f"<code>{path}</code>" in page
        assert all(operation["summary"] in page for operation in methods.values())
    for shape in published_schema()["components"]["schemas"]:
        assert f'id="shape-{shape}"' in page
    assert "`" not in page and "<code>message</code>" in page
    assert "<script" not in page and "style=" not in page
    assert 'src="http' not in page and 'href="http' not in page
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
