#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gives headers of raw images to the observatory's own translators and says what they make of them: every property that an
ingest of raws needs must have a value, and the identity must be that of the file's name. Prints one JSON object; exit code 1
when something is wrong.

    check_translation.py --obs-lsst DIR FILE.fits...

--obs-lsst: a checkout of obs_lsst, whose translators are no package of their own. Needs astro-metadata-translator.
"""
import argparse
import importlib
import json
import pathlib
import sys
import tempfile

from astro_metadata_translator import ObservationInfo
from astropy.io import fits
import lsst

# What an exposure record and a raw's data ID are made of.
NEEDED = [
    "instrument", "telescope", "observation_id", "exposure_id", "detector_exposure_id", "detector_num", "detector_name",
    "detector_group", "detector_serial", "physical_filter", "observing_day", "observation_counter", "exposure_group",
    "exposure_time", "dark_time", "datetime_begin", "datetime_end", "observation_type", "observation_reason",
    "science_program", "has_simulated_content", "can_see_sky",
]
# None for the camera's own files as well: what the DAQ's machine does not know, and numbers of detectors from a camera
# description that is made when obs_lsst is built.
MAY_LACK = {"detector_serial", "can_see_sky", "detector_num", "detector_exposure_id"}


def check(path):
    problems = []

    def expect(what, good):
        if not good:
            problems.append(what)

    with fits.open(path) as hdus:
        header = hdus[0].header
    info = ObservationInfo(header, filename=str(path))  # without the pointing, which the DAQ does not know
    for name in NEEDED:
        expect(f"{name} is None", name in MAY_LACK or getattr(info, name) is not None)
    latiss = header["INSTRUME"] == "LATISS"
    stem = pathlib.Path(path).stem
    raft, ccd = stem.split("_")[-2:]
    day, seq = int(header["DAYOBS"]), header["SEQNUM"]
    expect(f"instrument {info.instrument}", info.instrument == ("LATISS" if latiss else "LSSTCam"))
    expect(f"observation_id {info.observation_id}", stem == f"{info.observation_id}_{raft}_{ccd}")
    expect(f"exposure_id {info.exposure_id}", info.exposure_id == day * 100000 + seq)
    expect(f"detector {info.detector_group} {info.detector_name}", latiss or (info.detector_group, info.detector_name) == (raft, ccd))
    expect(f"observing_day {info.observing_day}", info.observing_day == day)
    begin = info.datetime_begin.tai.isot
    expect(f"datetime_begin {begin}, DATE-BEG {header['DATE-BEG']}", begin[:22] == header["DATE-BEG"][:22])
    return problems, {name: str(getattr(info, name)) for name in NEEDED}


def load_translators(checkout, folder):
    """The package they are in wants the whole Science Pipelines: one of the same name has them and what they read."""
    source, package = checkout / "python/lsst/obs/lsst", folder / "lsst/obs/lsst"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for name in ("translators", "resources"):
        if (source / name).exists():
            (package / name).symlink_to(source / name)
    lsst.__path__.append(str(folder / "lsst"))
    importlib.import_module("lsst.obs.lsst.translators")  # which registers them


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--obs-lsst", required=True)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    problems, properties = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        load_translators(pathlib.Path(args.obs_lsst).resolve(), pathlib.Path(folder))
        for path in args.files:
            try:
                problems[path], properties[path] = check(path)
            except Exception as error:
                problems[path] = [f"{type(error).__name__}: {error}"]
    print(json.dumps({"files": len(args.files), "problems": problems, "properties": properties}))
    sys.exit(1 if any(problems.values()) else 0)


if __name__ == "__main__":
    main()
