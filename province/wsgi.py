import os

from django.core.wsgi import get_wsgi_application

from access.chunked import with_chunked_bodies
from access.serving import in_turn

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "province.settings")  # noqa: TID251
application = in_turn(with_chunked_bodies(get_wsgi_application()))
