from django.apps import AppConfig


class RatesConfig(AppConfig):
    name = "rates"
    verbose_name = "在线统计"
