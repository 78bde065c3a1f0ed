from hypothesis import settings

# The same examples each time, and no verdict on how busy the machine is.
settings.register_profile("protocol", deadline=None, derandomize=True, database=None)
settings.load_profile("protocol")
