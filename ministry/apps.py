from django.apps import AppConfig


class MinistryConfig(AppConfig):
    name = "ministry"
    verbose_name = "部级对接"

    def ready(self) -> None:
        from analysis.signals import results_kept
        from ministry.services.reports.analyses import queue_results

        results_kept.connect(queue_results, dispatch_uid="ministry.queue_results")
