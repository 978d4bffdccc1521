// SPDX-License-Identifier: Apache-2.0
// The dataset types this agent writes, and the observatory's names for where they go.

export interface DatasetType {
  readonly name: string;
  readonly storageClass: string;
  /** required dimensions, in the order of the universe */
  readonly dimensions: readonly string[];
  readonly formatter: string;
  readonly isCalibration: boolean;
}

const generic = 'lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter';
const exposureFormatter = 'lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter';
const jsonFormatter = 'lsst.daf.butler.formatters.json.JsonFormatter';
const yamlFormatter = 'lsst.daf.butler.formatters.yaml.YamlFormatter';
const perExposure = ['instrument', 'detector', 'exposure'];
const perDetector = ['instrument', 'detector'];

function type(
  name: string,
  storageClass: string,
  dimensions: readonly string[],
  formatter: string,
  isCalibration = false,
): DatasetType {
  return { name, storageClass, dimensions, formatter, isCalibration };
}

/** The formatter of raw is the instrument's. */
export const rawType = type('raw', 'Exposure', perExposure, '');
export const guiderRawType = type('guider_raw', 'Stamps', perExposure, generic);

/** What comes out of signature removal and the quick look; made when the first one is stored. */
export const outputTypes: readonly DatasetType[] = [
  type('postISRCCD', 'Exposure', perExposure, exposureFormatter),
  type('postIsrBin1', 'ExposureF', perExposure, exposureFormatter),
  type('postIsrBin2', 'ExposureF', perExposure, exposureFormatter),
  type('isrStatistics', 'StructuredDataDict', perExposure, yamlFormatter),
];

/** What was seen in an image: <stem>.json as a mapping, which needs nothing of the Science Pipelines to be read. */
export const quickLookType = type('quickLook', 'StructuredDataDict', perExposure, jsonFormatter);

/** An image without the instrument's signature: <stem>.isr.fits, which needs lsst.images to be read, and not afw. */
export const isrImageType = type(
  'postIsrImage',
  'MaskedImageV2',
  perExposure,
  'lsst.images.formatters.GenericFormatter',
);

export const calibrationTypes: readonly DatasetType[] = [
  type('bias', 'ExposureF', perDetector, exposureFormatter, true),
  type('dark', 'ExposureF', perDetector, exposureFormatter, true),
  type('flat', 'ExposureF', [...perDetector, 'physical_filter'], exposureFormatter, true),
  type('defects', 'Defects', perDetector, generic, true),
  type('linearizer', 'Linearizer', perDetector, generic, true),
  type('crosstalk', 'CrosstalkCalib', perDetector, generic, true),
  type('ptc', 'PhotonTransferCurveDataset', perDetector, generic, true),
];

export const rawRun = (instrument: string) => `${instrument}/raw/all`;
export const guiderRun = (instrument: string) => `${instrument}/raw/guider`;
export const quickLookRun = (instrument: string) => `${instrument}/quickLook`;
export const isrImageRun = (instrument: string) => `${instrument}/postIsr`;
export const calibChain = (instrument: string) => `${instrument}/calib`;
export const defaultsChain = (instrument: string) => `${instrument}/defaults`;
