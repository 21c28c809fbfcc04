"""What decoding an image may take.

- `memory_budget`: the memory that an image will take, estimated before it is decoded.
- `time_limit`: time limits on decoding an image.
"""
