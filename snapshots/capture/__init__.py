"""From the address of a stream to a JPEG on disk, without Django's database.

`fetch` reads a stream up to its first key frame, `flv` takes the tags apart, `decode` makes a picture of the key
frame, `crew` does that for many cameras at once, `store` keeps the files.
"""
