#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What unmodified lsst.daf.butler sees in a repository, and what it does to it: one JSON object on stdout.

make ROOT UNIVERSE    makes an empty repository
look ROOT             datasets of the defaults, their URIs, whether they are there
use ROOT              looks, prunes the LATISS raw, tags one, stores a dataset in a run of its own
find ROOT T0 T1 ...   calibrations valid between each two TAI times, ISO
quicklooks ROOT       quick-looks of LSSTCam and LATISS, as they are read
watch ROOT EACH       looks again and again until stdin ends: every exposure has EACH raws or none, until a line comes; and
                      whatever is there has its file, or is gone a moment later
"""
import json
import sys
import threading

from lsst.daf.butler import Butler, CollectionType, DatasetType, DimensionConfig, Timespan


def make(root, universe):
    path = f"resource://lsst.daf.butler/configs/old_dimensions/daf_butler_universe{universe}.yaml"
    Butler.makeRepo(root, dimensionConfig=DimensionConfig(path))
    # The first writable open makes the datastore's table.
    Butler.from_config(root, writeable=True)
    return {}


def look(root):
    butler = Butler.from_config(root)
    found = []
    for instrument in ("LSSTCam", "LATISS"):
        for name in ("raw", "guider_raw"):
            refs = butler.query_datasets(
                name, collections=f"{instrument}/defaults", instrument=instrument, explain=False
            )
            for ref in refs:
                found.append(
                    {
                        "type": name,
                        "uuid": str(ref.id),
                        "run": ref.run,
                        "data_id": dict(ref.dataId.required),
                        "uri": str(butler.getURI(ref)),
                        "stored": bool(butler.exists(ref)),
                        "day_obs": butler.registry.expandDataId(ref.dataId)["day_obs"],
                    }
                )
    return {"universe": butler.dimensions.version, "datasets": found}


def use(root):
    seen = look(root)
    butler = Butler.from_config(root, writeable=True)
    latiss = butler.query_datasets("raw", collections="LATISS/raw/all", explain=False)
    butler.pruneDatasets(latiss, purge=True, unstore=True, disassociate=True)
    camera = butler.query_datasets("raw", collections="LSSTCam/raw/all", explain=False)
    butler.collections.register("u/test/kept", type=CollectionType.TAGGED)
    butler.registry.associate("u/test/kept", camera[:1])
    butler.collections.register("u/test/run")
    butler.registry.registerDatasetType(
        DatasetType("measured", ("instrument", "exposure"), "StructuredDataDict", universe=butler.dimensions)
    )
    data_id = {"instrument": "LSSTCam", "exposure": camera[0].dataId["exposure"]}
    butler.put({"fwhm": 0.7}, "measured", data_id, run="u/test/run")
    back = butler.get("measured", data_id, collections="u/test/run")
    return {**seen, "pruned": [str(ref.id) for ref in latiss], "tagged": str(camera[0].id), "back": back}


def find(root, *times):
    from astropy.time import Time

    butler = Butler.from_config(root)
    return [find_at(butler, *(Time(t, scale="tai", format="isot") for t in pair)) for pair in zip(times[::2], times[1::2])]


def find_at(butler, begin, end):
    out = {}
    for name in ("bias", "dark", "flat"):
        data_id = {"instrument": "LSSTCam", "detector": 203}
        if name == "flat":
            data_id["physical_filter"] = "i_39"
        ref = butler.find_dataset(name, data_id, collections="LSSTCam/calib", timespan=Timespan(begin, end))
        out[name] = None if ref is None else str(ref.id)
    return out


def quicklooks(root):
    butler = Butler.from_config(root)
    collections = butler.collections.query("*/quickLook")
    refs = butler.query_datasets("quickLook", collections=collections, find_first=False, explain=False)
    return [{"uuid": str(ref.id), "detector": butler.get(ref)["detector"]} for ref in refs]


def watch(root, each):
    from collections import Counter

    seen = {"looks": 0, "most": 0, "halves": 0, "without_file": 0, "errors": []}
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(sys.stdin))
    reader.start()
    butler = Butler.from_config(root, writeable=False)
    print("ready", flush=True)
    while reader.is_alive() or seen["looks"] == 0:
        expiring = bool(lines)
        try:
            refs = butler.query_datasets("raw", collections="LSSTCam/raw/all", limit=None, explain=False)
            counts = Counter(ref.dataId["exposure"] for ref in refs)
            if not expiring and not lines:
                seen["halves"] += sum(count != int(each) for count in counts.values())
            gone = [ref for ref in refs if not butler.getURI(ref, predict=True).exists()]
            left = {ref.id for ref in butler.query_datasets("raw", collections="LSSTCam/raw/all", limit=None, explain=False)}
            seen["without_file"] += sum(ref.id in left for ref in gone)
            seen["most"] = max(seen["most"], len(refs))
        except Exception as error:
            seen["errors"].append(f"{type(error).__name__}: {error}")
        seen["looks"] += 1
    return seen


commands = {"make": make, "look": look, "use": use, "find": find, "watch": watch, "quicklooks": quicklooks}
print(json.dumps(commands[sys.argv[1]](*sys.argv[2:])))
