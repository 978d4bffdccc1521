# SPDX-License-Identifier: Apache-2.0
"""Stands for lsst.obs.base, which needs lsst.afw: the calls and callbacks of RawIngestTask over the real lsst.daf.butler.

Headers are read by astropy, and only what a registry cannot do without is taken from them.
"""
from types import SimpleNamespace

from astropy.io import fits
from astropy.time import Time
from lsst.daf.butler import DatasetRef, FileDataset, Timespan
from lsst.daf.butler.formatters.json import JsonFormatter


class RawFormatter(JsonFormatter):
    default_extension = ".fits"
    supported_extensions = frozenset({".fits"})


def read(file):
    """Exposure record and data ID of a raw file; KeyError, ValueError: the header is not enough."""
    with fits.open(file) as hdus:
        header = hdus[0].header
    instrument = "LATISS" if header["INSTRUME"] == "LATISS" else "LSSTCam"
    day = int(header["DAYOBS"])
    exposure = day * 100_000 + int(header["SEQNUM"])
    span = Timespan(Time(header["DATE-BEG"], scale="tai"), Time(header["DATE-END"], scale="tai"))
    record = {
        "instrument": instrument,
        "id": exposure,
        "day_obs": day,
        "group": header["GROUPID"],
        "physical_filter": header["FILTER"],
        "obs_id": header["OBSID"],
        "target_name": header["OBJECT"],
        "timespan": span,
    }
    return record, f"{header['RAFTBAY']}_{header['CCDSLOT']}"


class RawIngestTask:
    class ConfigClass:
        transfer = "auto"

    def __init__(self, config, *, butler, on_success, on_metadata_failure, on_ingest_failure):
        self.config, self.butler = config, butler
        self.on_success, self.on_metadata_failure, self.on_ingest_failure = (
            on_success,
            on_metadata_failure,
            on_ingest_failure,
        )

    def run(self, files, *, skip_existing_exposures=False, update_exposure_records=False):
        failures = 0
        for file in files:
            try:
                record, detector = read(file)
            except (OSError, KeyError, ValueError) as error:
                self.on_metadata_failure(file, error)
                failures += 1
                continue
            exposure = SimpleNamespace(files=[SimpleNamespace(filename=file)], record=record)
            try:
                datasets = self.ingest(file, record, detector, skip_existing_exposures, update_exposure_records)
            except Exception as error:
                self.on_ingest_failure(exposure, error)
                failures += 1
                continue
            if datasets:
                self.on_success(datasets)
        if failures:
            raise RuntimeError(f"{failures} files are not ingested")

    def ingest(self, file, record, detector, skip, update):
        registry, instrument = self.butler.registry, record["instrument"]
        night = {"instrument": instrument, "id": record["day_obs"]}
        if not list(registry.queryDimensionRecords("day_obs", dataId={"instrument": instrument, "day_obs": night["id"]})):
            registry.syncDimensionData("day_obs", {**night, "timespan": record["timespan"]})
        registry.syncDimensionData("group", {"instrument": instrument, "name": record["group"]})
        registry.syncDimensionData("exposure", record, update=update)
        run = f"{instrument}/raw/all"
        (number,) = (
            one.id for one in registry.queryDimensionRecords("detector", instrument=instrument) if one.full_name == detector
        )
        data_id = registry.expandDataId(instrument=instrument, detector=number, exposure=record["id"])
        if skip and self.butler.find_dataset("raw", data_id, collections=run) is not None:
            return []
        ref = DatasetRef(self.butler.get_dataset_type("raw"), data_id, run=run)
        datasets = [FileDataset(path=file, refs=[ref], formatter=RawFormatter)]
        self.butler.ingest(*datasets, transfer=self.config.transfer)
        return datasets
