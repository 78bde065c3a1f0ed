"""Every version the ledger ever had and every acknowledgement ever written down, kept by the database itself.

Triggers see what a look now and then would miss.
"""

from dataclasses import dataclass

from django.db import connection

# `others` carries the mark of the operation that made the version.
_INSTALL = """
CREATE TABLE proof_version (camera_id bigint, version int, number text, mark text);
CREATE TABLE proof_acknowledgement (
    id bigserial, at timestamptz DEFAULT clock_timestamp(), camera_id bigint, what text, value text
);

CREATE FUNCTION proof_note_version() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO proof_version VALUES (NEW.id, NEW.version, NEW.number_key, NEW.others);
    RETURN NULL;
END $$;
CREATE TRIGGER proof_version_made AFTER INSERT ON cameras_camera
    FOR EACH ROW EXECUTE FUNCTION proof_note_version();
CREATE TRIGGER proof_version_raised AFTER UPDATE ON cameras_camera
    FOR EACH ROW WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION proof_note_version();

CREATE FUNCTION proof_note_acknowledgement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}'::jsonb ELSE to_jsonb(OLD) END;
    now_is jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{"version": 0}'::jsonb ELSE to_jsonb(NEW) END;
    camera bigint := coalesce(now_is->>'camera_id', before->>'camera_id');
BEGIN
    IF (now_is->>'version')::int > 0 AND now_is->'version' IS DISTINCT FROM before->'version' THEN
        INSERT INTO proof_acknowledgement (camera_id, what, value) VALUES (camera, 'version', now_is->>'version');
    END IF;
    IF (now_is->>'version')::int = 0 AND NOT coalesce((now_is->>'is_in_doubt')::boolean, FALSE)
            AND ((before->>'version')::int > 0 OR (before->>'is_in_doubt')::boolean)
            AND EXISTS (SELECT FROM cameras_camera WHERE id = camera AND deleted_at IS NOT NULL) THEN
        INSERT INTO proof_acknowledgement (camera_id, what, value) VALUES (camera, 'gone', NULL);
    END IF;
    IF now_is->>'status' <> '-1' AND (now_is->'status', now_is->'status_at')
            IS DISTINCT FROM (before->'status', before->'status_at') THEN
        INSERT INTO proof_acknowledgement (camera_id, what, value) VALUES (camera, 'status', now_is->>'status');
    END IF;
    IF now_is->>'quality' <> '?' AND (now_is->'quality', now_is->'quality_at')
            IS DISTINCT FROM (before->'quality', before->'quality_at') THEN
        INSERT INTO proof_acknowledgement (camera_id, what, value) VALUES (camera, 'quality', now_is->>'quality');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER proof_acknowledged AFTER INSERT OR UPDATE OR DELETE ON ministry_cameradelivery
    FOR EACH ROW EXECUTE FUNCTION proof_note_acknowledgement();
"""


@dataclass(frozen=True)
class Acknowledgement:
    """`what` is version, status, quality or gone; `value` of a version is the mark of its operation."""

    at: float
    camera: str
    what: str
    value: str | None


def install() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_INSTALL)


def acknowledgements() -> list[Acknowledgement]:
    """All of them, with the mark the version had in the ledger."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT extract(epoch FROM a.at), c.number_key, a.what,
                   CASE a.what WHEN 'version' THEN coalesce(v.mark, '?') ELSE a.value END
            FROM proof_acknowledgement a JOIN cameras_camera c ON c.id = a.camera_id
            LEFT JOIN proof_version v
                ON a.what = 'version' AND v.camera_id = a.camera_id AND v.version::text = a.value
            ORDER BY a.id
            """
        )
        return [Acknowledgement(float(at), *rest) for at, *rest in cursor.fetchall()]
