#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Warm lsst.daf.butler beside the agent: registers exposures and ingests files given by path, one exposure a time.

peer.py ROOT               stdin: one JSON list of paths a line; stdout: one line with the ms it took
peer.py ROOT PAUSE_MS FILE ingests the file again and again, each time as another exposure, with a pause in between; at the
                           end of stdin one JSON line: writes, errors
The headers are not read: the peer is told. Exit with the end of stdin.
"""
import json
import sys
import threading
import time

from astropy.time import Time
from lsst.daf.butler import Butler, DatasetRef, FileDataset, Timespan
from lsst.daf.butler.formatters.json import JsonFormatter


class FitsPlace(JsonFormatter):
    """Stands for the camera's formatter, which nobody calls here: files are only placed."""

    default_extension = ".fits"
    supported_extensions = frozenset({".fits"})


root, *busy = sys.argv[1:]
butler = Butler.from_config(root, writeable=True, run="LSSTCam/raw/peer")
raw = butler.get_dataset_type("raw")
span = Timespan(Time("2026-03-15T22:50:54", scale="tai"), Time("2026-03-15T22:50:59", scale="tai"))
butler.registry.syncDimensionData("day_obs", {"instrument": "LSSTCam", "id": 20260401, "timespan": span})


def ingest(number, paths):
    butler.registry.syncDimensionData("group", {"instrument": "LSSTCam", "name": str(number)})
    butler.registry.syncDimensionData(
        "exposure",
        {
            "instrument": "LSSTCam",
            "id": number,
            "day_obs": 20260401,
            "group": str(number),
            "physical_filter": "r_57",
            "obs_id": f"MC_O_20260401_{number % 100000:06d}",
            "timespan": span,
        },
    )
    datasets = []
    for detector, path in enumerate(paths):
        data_id = butler.registry.expandDataId(instrument="LSSTCam", detector=detector, exposure=number)
        ref = DatasetRef(raw, data_id, run="LSSTCam/raw/peer")
        datasets.append(FileDataset(path=path, refs=[ref], formatter=FitsPlace))
    butler.ingest(*datasets, transfer="hardlink")


def again_and_again(pause_ms, path):
    done = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
    writes, errors, number = 0, [], 2026040100000
    while not done.wait(pause_ms / 1000):
        number += 1
        try:
            ingest(number, [path])
            writes += 1
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
    print(json.dumps({"writes": writes, "errors": errors}), flush=True)


print("ready", flush=True)
if busy:
    again_and_again(float(busy[0]), busy[1])
else:
    for number, line in enumerate(sys.stdin, 2026040100001):
        begin = time.perf_counter()
        ingest(number, json.loads(line))
        print((time.perf_counter() - begin) * 1000, flush=True)
