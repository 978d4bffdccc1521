# SPDX-License-Identifier: Apache-2.0
"""Stands for lsst.obs.lsst, which needs lsst.afw: calls and callbacks of ingest_guider over the real lsst.daf.butler."""
from lsst.daf.butler import DatasetRef, FileDataset
from lsst.obs.base import RawFormatter, read


def ingest_guider(
    butler,
    locations,
    *,
    transfer="auto",
    register_dataset_type=False,
    on_success,
    on_metadata_failure,
    on_undefined_exposure,
    on_ingest_failure,
):
    missed = 0
    for file in locations:
        try:
            record, detector = read(file)
        except (OSError, KeyError, ValueError) as error:
            on_metadata_failure(file, error)
            missed += 1
            continue
        instrument = record["instrument"]
        found = list(
            butler.registry.queryDimensionRecords(
                "exposure", instrument=instrument, where="exposure.obs_id = obsid", bind={"obsid": record["obs_id"]}
            )
        )
        if not found:
            on_undefined_exposure(file, record["obs_id"])
            missed += 1
            continue
        (number,) = (
            one.id
            for one in butler.registry.queryDimensionRecords("detector", instrument=instrument)
            if one.full_name == detector
        )
        run = f"{instrument}/raw/guider"
        butler.collections.register(run)
        data_id = butler.registry.expandDataId(instrument=instrument, detector=number, exposure=found[0].id)
        datasets = [
            FileDataset(
                path=file,
                refs=[DatasetRef(butler.get_dataset_type("guider_raw"), data_id, run=run)],
                formatter=RawFormatter,
            )
        ]
        try:
            butler.ingest(*datasets, transfer=transfer)
        except Exception as error:
            on_ingest_failure(datasets, error)
            missed += 1
            continue
        on_success(datasets)
    if missed:
        raise RuntimeError(f"Failed to ingest {missed} files.")
