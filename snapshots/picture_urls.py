from django.urls import path

from snapshots import views

app_name = "snapshots"
urlpatterns = [path("<int:camera_id>/<int:unix_slot>.jpg", views.PictureView.as_view(), name="picture")]
