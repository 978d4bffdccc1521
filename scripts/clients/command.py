#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends one command to a running summit-agent and prints its replies (Debian: python3-zmq, python3-msgpack).

usage: command.py ADDRESS VERB [ARGS-AS-JSON] [--key FILE.key --server-key FILE.pub]
       command.py tcp://127.0.0.1:5571 snapshot
       command.py tcp://127.0.0.1:5571 resume '{"comment": "MC_O_20260714_000123"}'
Exit code 0: done (ack 303); 1: refused, failed or no answer. Keys are those of "summit-agent keys new".
"""
import argparse
import json
import sys
import time
import uuid

import msgpack
import zmq

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("address")
parser.add_argument("verb")
parser.add_argument("args", nargs="?", default="{}")
parser.add_argument("--key")
parser.add_argument("--server-key")
given = parser.parse_args()

socket = zmq.Context().socket(zmq.DEALER)
socket.linger = 0
if given.key:
    with open(given.key) as file:
        pair = json.load(file)
    with open(given.server_key) as file:
        server = file.read().split()[1]
    socket.curve_publickey, socket.curve_secretkey = pair["publicKey"].encode(), pair["secretKey"].encode()
    socket.curve_serverkey = server.encode()
socket.connect(given.address)

# The id makes the command run once; the expiry keeps a late one from running at all, and the time of issue one that is
# recorded and sent again to an agent that has been started again.
command = {"v": 1, "id": str(uuid.uuid4()), "verb": given.verb, "args": json.loads(given.args)}
now = time.time()
socket.send(msgpack.packb({**command, "who": "command.py", "issued": now, "expires": now + 10}))
wait_ms = 5000
while socket.poll(wait_ms):
    reply = msgpack.unpackb(socket.recv_multipart()[-1])
    if reply.get("id") != command["id"]:
        continue
    if reply["ack"] == 301:
        wait_ms = 1000 * (reply["timeout"] + 1)
    elif reply["ack"] != 300:
        print(json.dumps(reply, default=repr))
        sys.exit(0 if reply["ack"] == 303 else 1)
sys.exit(f"command.py: no answer from {given.address}")
