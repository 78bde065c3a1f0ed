"""Where pictures lie: Django storages with what pictures need besides (`contract`), chosen by SNAPSHOT_STORAGE.

`folder` is a folder on disk, `bucket` an S3-compatible object store. Both know pictures by the same names, which
`snapshots.capture.store` gives: the first part is the day, so that a day goes as one folder or prefix.
"""
