"""The other side of document appendix 1 section 1: a small ministry that believes nothing.

It shares no code with the platform: own reading of the document, own validation, SM2 by another library.
"""
