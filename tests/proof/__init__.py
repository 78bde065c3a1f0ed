"""The fault test as a proof: a whole platform, a ministry on which every kind of fault rains, and a judge.

The ministry's store is read over HTTP and compared with our ledger; every acknowledgement the platform wrote
down meanwhile is held against what the ministry had really applied by then.
"""
