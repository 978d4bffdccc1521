#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ingests raw and guider files into a repository by the site's own Butler, for repositories whose exposures are not the
agent's to write. Run it in the Python of the site's Science Pipelines (lsst.obs.base, lsst.obs.lsst).

usage: butler_ingest.py REPO FILE... [--transfer MODE] [--update-exposure-records]
       butler_ingest.py REPO - < list-of-files

One JSON object a line on stdout, one for each file, in the agent's words: "file", "outcome" (ingested, unchanged, waiting: a
guider file whose exposure is not there, conflict, bad_metadata, failed), "problem", and, of datasets, "uuid", "run", "data_id",
"uri".
--transfer: direct (default), hardlink, copy, link, ... as RawIngestTask has it.
Exit code 0: all of them are in the repository, or wait; 1: some are not; 2: it could not begin.
"""
import argparse
import json
import os
import re
import sys


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repo")
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--transfer", default="direct")
    parser.add_argument("--update-exposure-records", action="store_true")
    given = parser.parse_args()
    if given.files == ["-"]:
        given.files = [line.strip() for line in sys.stdin if line.strip()]
    given.files = [os.path.abspath(file) for file in given.files]
    return given


class Outcomes:
    """What became of each file; the first word about one stands."""

    def __init__(self, butler):
        self.butler = butler
        self.told = {}

    def add(self, file, outcome, problem="", ref=None):
        # Paths, URIs and resources of the same file.
        path = getattr(file, "ospath", None) or re.sub("^file://", "", str(file))
        self.told.setdefault(path, {"file": path, "outcome": outcome, "problem": problem, **self.dataset(ref)})

    def dataset(self, ref):
        if ref is None:
            return {"uuid": None, "run": "", "data_id": None, "uri": ""}
        uri = str(self.butler.getURI(ref))
        return {"uuid": str(ref.id), "run": ref.run, "data_id": dict(ref.dataId.required), "uri": uri}

    def on_success(self, datasets):
        for dataset in datasets:
            self.add(dataset.path, "ingested", ref=dataset.refs[0])

    def on_metadata_failure(self, file, error):
        self.add(file, "bad_metadata", str(error))

    def on_undefined_exposure(self, file, obs_id):
        self.add(file, "waiting", f"exposure {obs_id} is not there yet")

    def on_raw_failure(self, exposure, error):
        self.on_failure([file.filename for file in exposure.files], error)

    def on_guider_failure(self, datasets, error):
        self.on_failure([dataset.path for dataset in datasets], error)

    def on_failure(self, files, error):
        conflict = "Conflict" in type(error).__name__ or "Inconsistent" in type(error).__name__
        for file in files:
            self.add(file, "conflict" if conflict else "failed", f"{type(error).__name__}: {error}")

    def on_silence(self, file, dataset_type):
        """A file of which nobody spoke was there before, or is nowhere."""
        if file in self.told:
            return
        ref = self.find(file, dataset_type)
        if ref is None:
            self.add(file, "failed", "the ingest did not say what became of it")
        else:
            self.add(file, "unchanged", ref=ref)

    def find(self, file, dataset_type):
        name = re.match(r"(\w\w_\w_\d{8}_\d{6})_(R\w\w_S\w\w)", os.path.basename(file))
        if name is None:
            return None
        instrument = "LATISS" if name[1].startswith("AT") else "LSSTCam"
        detector = "RXX_S00" if instrument == "LATISS" else name[2]
        found = self.butler.query_datasets(
            dataset_type,
            collections=f"{instrument}/raw/{'guider' if dataset_type == 'guider_raw' else 'all'}",
            where="exposure.obs_id = obsid AND detector.full_name = det",
            bind={"obsid": name[1], "det": detector},
            instrument=instrument,
            explain=False,
        )
        return found[0] if found else None


def quietly(work):
    """Both ingests raise at their end when a file failed, after they said which."""
    try:
        work()
    except RuntimeError as error:
        print(f"butler_ingest.py: {error}", file=sys.stderr)


def main():
    given = arguments()
    try:
        from lsst.obs.base import RawIngestTask
        from lsst.obs.lsst import ingest_guider
        from lsst.daf.butler import Butler
    except ImportError as error:
        print(f"butler_ingest.py: expected the Python of the site's Science Pipelines: {error}", file=sys.stderr)
        return 2
    try:
        butler = Butler.from_config(given.repo, writeable=True)
    except (OSError, RuntimeError) as error:
        print(f"butler_ingest.py: {given.repo}: expected a Butler repository: {error}", file=sys.stderr)
        return 2
    outcomes = Outcomes(butler)
    guiders = [file for file in given.files if re.search(r"SG.*_guider\.fits", os.path.basename(file))]
    raws = [file for file in given.files if file not in guiders]
    if raws:
        config = RawIngestTask.ConfigClass()
        config.transfer = given.transfer
        task = RawIngestTask(
            config=config,
            butler=butler,
            on_success=outcomes.on_success,
            on_metadata_failure=outcomes.on_metadata_failure,
            on_ingest_failure=outcomes.on_raw_failure,
        )
        again = {"skip_existing_exposures": True, "update_exposure_records": given.update_exposure_records}
        quietly(lambda: task.run(raws, **again))
        for file in raws:
            outcomes.on_silence(file, "raw")
    # After the raw files, which may bring their exposures. Those that are there are left out: they would be an error.
    fresh = [file for file in guiders if outcomes.find(file, "guider_raw") is None]
    if fresh:
        quietly(
            lambda: ingest_guider(
                butler,
                fresh,
                transfer=given.transfer,
                register_dataset_type=True,
                on_success=outcomes.on_success,
                on_metadata_failure=outcomes.on_metadata_failure,
                on_undefined_exposure=outcomes.on_undefined_exposure,
                on_ingest_failure=outcomes.on_guider_failure,
            )
        )
    for file in guiders:
        outcomes.on_silence(file, "guider_raw")
    for file in given.files:
        print(json.dumps(outcomes.told[file]))
    good = ("ingested", "unchanged", "waiting")
    return 0 if all(told["outcome"] in good for told in outcomes.told.values()) else 1


sys.exit(main())
