from django.apps import AppConfig


class MinistryConfig(AppConfig):
    name = "ministry"
    verbose_name = "部级对接"
