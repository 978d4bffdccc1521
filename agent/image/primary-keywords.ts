// SPDX-License-Identifier: Apache-2.0
// The primary keywords of the camera's raw files in the camera's order, with its comments where it has them. Whatever
// has no value is null in the sidecar all the same, and left out of the file.
import type { ImageKind } from '../model/image-detectors.js';

const comments: Readonly<Record<string, string>> = {
  CCD_MANU: 'CCD Manufacturer',
  CCD_TYPE: 'CCD Model Number',
  BINX: '[pixels] binning along X axis',
  BINY: '[pixels] binning along Y axis',
  CCDGAIN: 'Rough guess at overall system gain (e-/DNB)',
  CCDNOISE: 'Rough guess at system noise (e- rms)',
  CCDSLOT: 'The CCD Slot',
  RAFTBAY: 'The RAFT Bay',
  FIRMWARE: 'DAQ firmware version (Hex)',
  PLATFORM: 'DAQ platform version',
  CONTNUM: 'REB serial # (Hex)',
  DAQVERS: 'DAQ version',
  DAQPART: 'DAQ partition',
  DAQFOLD: 'DAQ folder the image was initially created in',
  SEQFILE: 'Sequencer file name',
  SEQCKSUM: 'Checksum of Sequencer',
  LSST_NUM: 'LSST Assigned CCD Number',
  CCD_SERN: 'Manufacturers? CCD Serial Number',
  REBNAME: 'LSST Assigned Name REB name',
  RAFTNAME: 'LSST Assigned Raft name',
  FPVERS: 'The focal-plane version number',
  IHVERS: 'The image-handling version number',
  DATE: 'Creation Date and Time of File',
  MJD: 'Modified Julian Date that the file was written',
  IMGTYPE: 'BIAS, DARK, FE55, FLAT, FLAT_<lam>, SPOT, PPUMP',
  'DATE-OBS': 'Date of the start of the image acquisition',
  'DATE-TRG': 'Date of the image trigger (readout)',
  OBSID: 'The image name or obs-id',
  BUNIT: 'Brightness units for pixel array',
  TIMESYS: 'The time scale used',
  INSTRUME: 'Instrument',
  TELESCOP: 'Telescope',
  'OBS-LONG': '[deg] Observatory east longitude',
  'OBS-LAT': '[deg] Observatory latitude',
  'OBS-ELEV': '[m] Observatory elevation',
  'OBSGEO-X': '[m] X-axis Geocentric coordinate',
  'OBSGEO-Y': '[m] Y-axis Geocentric coordinate',
  'OBSGEO-Z': '[m] Z-axis Geocentric coordinate',
  CAMCODE: 'The "code" for AuxTel | ComCam | Main Camera',
  CONTRLLR: 'The controller (e.g. O for OCS, C for CCS)',
  DAYOBS: 'The observation day as defined in the image name',
  SEQNUM: 'The sequence number from the image name',
  IMAGETAG: 'DAQ Image id (Hex)',
  OBSANNOT: 'DAQ image annotation',
  EXPTIME: 'Exposure Time in Seconds',
  DARKTIME: 'Dark Time in Seconds',
  HEADVER: 'Version number of header',
  FILENAME: 'Original name of the file',
};

const stutter = 'HIERARCH.STUTTER.ROWS HIERARCH.STUTTER.DELAY HIERARCH.STUTTER.NSHIFTS';
const pairs = (names: string) => names.replaceAll(/(\S+)/g, 'DATE-$1 MJD-$1');
const site = 'OBS-LONG OBS-LAT OBS-ELEV OBSGEO-X OBSGEO-Y OBSGEO-Z';
const sky = 'RA DEC RASTART DECSTART RAEND DECEND ROTPA ROTCOORD HASTART ELSTART AZSTART AMSTART';
const daq = 'FIRMWARE PLATFORM CONTNUM DAQVERS DAQPART DAQFOLD SEQFILE SEQNAME SEQCKSUM';
const parts = 'LSST_NUM CCD_SERN REBNAME RAFTNAME FPVERS IHVERS';
const weather = 'AIRTEMP PRESSURE HUMIDITY WINDSPD WINDDIR SEEING';
const binning = 'BINX BINY CCDGAIN CCDNOISE';
const shutter = ['OPEN', 'CLOSE'].flatMap((blade) =>
  [
    'STARTTIME.TAI.ISOT',
    'STARTTIME.TAI.MJD',
    'SIDE',
    'MODEL',
    'HALLSENSORFIT.MODELSTARTTIME',
    'HALLSENSORFIT.PIVOTPOINT1',
    'HALLSENSORFIT.PIVOTPOINT2',
    'HALLSENSORFIT.JERK0',
    'HALLSENSORFIT.JERK1',
    'HALLSENSORFIT.JERK2',
  ].map((key) => `HIERARCH.SHUTTER.${blade}.${key}`),
);

/** Of LSSTCam wavefront sensors (2025). */
const wavefront = [
  `${binning} DETSIZE DATE MJD IMGTYPE`,
  `${pairs('OBS TRG')} OBSID ${pairs('BEG END')}`,
  `BUNIT TIMESYS GROUPID INSTRUME TELESCOP ${site}`,
  `${sky} HAEND ELEND AZEND AMEND TRACKSYS RADESYS FOCUSZ OBJECT VIGNETTE VIGN_MIN`,
  'TESTTYPE CAMCODE CONTRLLR DAYOBS SEQNUM PROGRAM REASON CURINDEX MAXINDEX TSTAND IMAGETAG OBSANNOT',
  `CCD_MANU CCD_TYPE CCDSLOT RAFTBAY ${daq} ${parts}`,
  'FILTBAND FILTER FILTPOS FILTSLOT EXPTIME DARKTIME SHUTTIME TELAPSE XPOSURE',
  `${weather} HEADVER FILENAME ${stutter}`,
  ...shutter,
];

/** Of LATISS (2023), slips of the pen (AHAEND) included. */
const latiss = [
  `CCD_MANU CCD_TYPE DETSIZE ${binning} CCDSLOT RAFTBAY ${daq} ${parts}`,
  `${stutter} FILTPOS CCDTEMP DATE MJD IMGTYPE`,
  `${pairs('OBS TRG')} OBSID ${pairs('BEG END')}`,
  `GROUPID BUNIT TIMESYS INSTRUME TELESCOP ${site} FACILITY`,
  `${sky} AHAEND AELEND AAZEND AAMEND TRACKSYS RADESYS FOCUSZ OBJECT`,
  'INSTPORT ATM3PORT DOMEAZ SHUTLOWR SHUTUPPR',
  'WCSAXES CTYPE1 CTYPE2 CUNIT1 CUNIT2 CRVAL1 CRVAL2 CRPIX1 CRPIX2 CD1_1 CD1_2 CD2_1 CD2_2 EQUINOX',
  'TESTTYPE CAMCODE CONTRLLR DAYOBS SEQNUM PROGRAM REASON CURINDEX MAXINDEX TSTAND IMAGETAG OBSANNOT',
  'TEMP_SET GRATING GRATBAND GRATSLOT LINSPOS FILTBAND FILTER FILTSLOT EXPTIME DARKTIME SHUTTIME',
  `${weather} FILENAME HEADVER`,
  ...['ATMCS', 'ATHEXAPOD', 'ATPNEUMATICS', 'ATDOME', 'ATSPECTROGRAPH'].map(
    (name) => `HIERARCH.SIMULATE.${name}`,
  ),
];

function read(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => line.split(' ').filter((name) => name !== ''));
}

export const primaryKeywords: Readonly<Record<ImageKind, readonly string[]>> = {
  wavefront: read(wavefront),
  latiss: read(latiss),
};

export function commentOf(keyword: string): string {
  return comments[keyword] ?? '';
}
