// SPDX-License-Identifier: Apache-2.0
// Messages about files, as maps of the wire. `image_in_oods` has the fields of the observatory's event imageInOODS.
import { latissBoard } from '../model/image-detectors.js';
import type {
  ImageAvailableMessage,
  ImageFailedMessage,
  ImageRemovedMessage,
  IsrImageMessage,
  QuicklookMessage,
  RawImageMessage,
  StoredDataset,
} from '../model/image-messages.js';

type Body = Record<string, unknown>;

/** Butler instrument: LATISS has a sensor that no other camera has, and names of its own. */
function instrumentOf({ sensor, obsid }: { readonly sensor: string; readonly obsid: string }): string {
  const own = latissBoard.detectors.some(({ detectorName }) => detectorName === sensor);
  return own || obsid.startsWith('AT_') ? 'LATISS' : 'LSSTCam';
}

/** A file by what it holds. */
export function imageAvailableBody(m: ImageAvailableMessage | RawImageMessage | IsrImageMessage): Body {
  switch (m.datasetType) {
    case 'guider_raw':
      return guiderFileBody(m);
    case 'raw':
      return rawImageBody(m);
    case 'post_isr_image':
      return {
        ...fileBody(m),
        instrument: instrumentOf(m),
        day_obs: m.dayObs,
        seq_num: m.seqNum,
        image_tag: m.imageTag,
      };
  }
}

function fileBody(m: ImageAvailableMessage | RawImageMessage | IsrImageMessage): Body {
  return {
    dataset_type: m.datasetType,
    path: m.path,
    sidecar: m.sidecar,
    size: m.bytes,
    sha256: m.sha256,
    obsid: m.obsid,
    exposure: m.exposureId,
    sensor: m.sensor,
    detector: m.detector,
    location: m.location,
    durable_ms: m.durableMs,
    ...datasetBody(m.butler),
  };
}

function guiderFileBody(m: ImageAvailableMessage): Body {
  return {
    ...fileBody(m),
    seqno: m.seqNo,
    series_id: m.seriesId,
    closed_by: m.closedBy,
    n_stamps: m.stamps,
    n_complete: m.complete,
    n_left_out: m.leftOut,
    n_failed: m.failed,
  };
}

function rawImageBody(m: RawImageMessage): Body {
  return {
    ...fileBody(m),
    instrument: instrumentOf(m),
    day_obs: m.dayObs,
    seq_num: m.seqNum,
    group: m.group,
    image_tag: m.imageTag,
    resumed: m.resumed,
    recovered: m.recovered,
    t_trigger_tai_ns: m.triggerTaiNs,
    readout_ms: m.readoutMs,
    write_ms: m.writeMs,
    image_in_oods: {
      camera: instrumentOf(m),
      // As the Butler's detector records have them: LATISS has a raft of its own name.
      raft: instrumentOf(m) === 'LATISS' ? 'RXX' : m.raftBay,
      sensor: m.ccdSlot,
      obsid: m.obsid,
      statusCode: 0,
      description: m.butler ? 'ingested' : 'file durable',
    },
  };
}

export function imageFailedBody(m: ImageFailedMessage): Body {
  return {
    sensor: m.sensor,
    detector: m.detector,
    location: m.location,
    obsid: m.obsid,
    image_tag: m.imageTag,
    reason: m.reason,
    message: m.message,
    size: m.bytes,
    size_expected: m.bytesExpected,
    ...(m.oodsCode !== undefined && { image_in_oods: failedInOods(m, m.oodsCode) }),
  };
}

/** What a file is in the repository, where there is one. */
function datasetBody(butler: StoredDataset | undefined): Body {
  return butler ? { uuid: butler.uuid, uri: butler.uri, run: butler.run, data_id: butler.dataId } : {};
}

/** `isr`, `product`, `focus_fit` and `defocus` have the keys of `<stem>.json`. */
export function quicklookBody(m: QuicklookMessage): Body {
  return {
    sensor: m.sensor,
    detector: m.detector,
    location: m.location,
    obsid: m.obsid,
    exposure: m.exposureId,
    day_obs: m.dayObs,
    seq_num: m.seqNum,
    image_tag: m.imageTag,
    t_trigger_tai_ns: m.triggerTaiNs,
    outcome: m.outcome,
    reason: m.reason,
    flags: m.flags,
    isr: m.isr,
    product: m.product,
    spectrum: m.spectrum,
    focus_fit: m.focusFit,
    defocus: m.defocus,
    json: m.json,
    picture: m.picture,
    begun_ms: m.begunMs,
    isr_ms: m.isrMs,
    looked_ms: m.lookedMs,
    quicklook_ms: m.quicklookMs,
    ...datasetBody(m.butler),
  };
}

function failedInOods({ sensor, obsid, message }: ImageFailedMessage, statusCode: number): Body {
  const instrument = instrumentOf({ sensor, obsid });
  const [raft = 'undef', ccd = 'undef'] = sensor.split('_');
  return {
    camera: instrument,
    raft: instrument === 'LATISS' ? 'RXX' : raft,
    sensor: ccd,
    obsid,
    statusCode,
    description: message,
  };
}

export function imageRemovedBody(m: ImageRemovedMessage): Body {
  return { repository: m.repository, uuids: m.uuids, size: m.bytes };
}
