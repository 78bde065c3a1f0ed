import os

from django.core.wsgi import get_wsgi_application

from access.chunked import with_chunked_bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "province.settings")  # noqa: TID251
application = with_chunked_bodies(get_wsgi_application())
