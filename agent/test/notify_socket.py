#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The service manager's end of sd_notify: binds ADDRESS ('@' first: abstract), prints each datagram as a JSON line."""
import json
import os
import socket
import sys

address = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind('\0' + address[1:] if address.startswith('@') else address)
print(json.dumps({'event': 'ready'}), flush=True)
parent = os.getppid()
listener.settimeout(1)
while os.getppid() == parent:
    try:
        text = listener.recv(65536).decode()
    except TimeoutError:
        continue
    print(json.dumps({'event': 'datagram', 'text': text, 'fields': dict(line.split('=', 1) for line in text.split('\n'))}), flush=True)
