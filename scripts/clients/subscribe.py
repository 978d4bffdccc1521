#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints every message of a running summit-agent as one JSON line (Debian: python3-zmq, python3-msgpack).

usage: subscribe.py [ADDRESS [TOPIC...]]     default: tcp://127.0.0.1:5570, all topics
       subscribe.py tcp://127.0.0.1:5570 guider.offsets/ guider.result/LSSTCam/R00_SG0/
Pixel frames (2 and up) are little-endian arrays, described by "parts"; here they are only counted in bytes.
"""
import json
import math
import sys

import msgpack
import zmq


def plain(value):
    """NaN (no measurement) becomes null, because JSON has no NaN."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


if "--help" in sys.argv or "-h" in sys.argv:
    print(__doc__.strip())
    sys.exit()
address, *topics = sys.argv[1:] or ["tcp://127.0.0.1:5570"]
socket = zmq.Context().socket(zmq.SUB)
try:
    socket.connect(address)
except zmq.ZMQError as error:
    sys.exit(f"subscribe.py: expected an address such as tcp://127.0.0.1:5570, got {address}: {error}")
for topic in topics or [""]:
    socket.subscribe(topic)
try:
    while True:
        topic, message, *pixels = socket.recv_multipart()
        line = {"topic": topic.decode(), **plain(msgpack.unpackb(message)), "pixel_bytes": [len(p) for p in pixels]}
        print(json.dumps(line, default=repr), flush=True)
except (KeyboardInterrupt, BrokenPipeError):
    pass
